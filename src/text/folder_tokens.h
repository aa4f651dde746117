// The special and added tokens of a folder without tokenizer.json, gathered from its settings as transformers
// 5 gathers them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "text/loaders.h"
#include "text/pipeline_tokenizer.h"

namespace valence::text {

class FolderTokens {
 public:
  struct Named {
    std::string_view name, otherwise;  // "cls_token", "[CLS]"
  };
  // Errors: kBadData for a token that is neither a text nor an object with a content.
  FolderTokens(const FolderSettings& settings, std::initializer_list<Named> named);

  // The text of a special token, "" when the settings have null for it.
  std::string text(std::string_view name) const;
  // Adds all to the stages, whose model and normalizer are there already. Errors: kBadData with `where` when
  // a token gets another id than the settings give it.
  void add_to(Stages& stages, const std::string& where) const;
  // The id of a special token. Errors: kBadData with `where` when there is none.
  int32_t id(std::string_view name, const Stages& stages, const std::string& where) const;

 private:
  void read_added(const FolderSettings& settings);
  void read_named(const FolderSettings& settings, std::initializer_list<Named> named);
  void read_extra(const FolderSettings& settings);
  const formats::Json* find(const FolderSettings& settings, std::string_view name) const;
  void append(AddedToken token);

  bool has_decoder_ = false;  // added_tokens_decoder is there: the older files do not count
  std::vector<AddedToken> tokens_;
  std::map<std::string, int64_t> ids_;                     // that the settings give, by content
  std::map<std::string, std::string, std::less<>> named_;  // content by name
};

}  // namespace valence::text
