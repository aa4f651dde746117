// The ways from files to a tokenizer; Tokenizer::load chooses among them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "formats/json.h"
#include "formats/model_files.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

namespace valence::text {

// The settings that a folder gives beside its vocabulary; members are null where a file is absent.
struct FolderSettings {
  formats::Json tokenizer_config;    // tokenizer_config.json
  formats::Json special_tokens_map;  // special_tokens_map.json
  formats::Json added_tokens;        // added_tokens.json
  formats::Json config;              // config.json

  // Errors: those of the JSON reader; kBadData when a file holds no object.
  static FolderSettings read(const formats::ModelFiles& files);

  // A setting of tokenizer_config.json, or `otherwise`.
  bool flag(std::string_view name, bool otherwise) const;
  // model_type of config.json, "" when absent.
  std::string model_type() const;
  // tokenizer_class of tokenizer_config.json or config.json, "" when absent.
  std::string tokenizer_class() const;
};

// Each throws kBadData, naming the file `where` and what is wrong.
std::unique_ptr<Tokenizer> load_tokenizer_json(std::string_view text, const std::string& where);
std::unique_ptr<Tokenizer> load_vocab_json(std::string_view vocab, std::string_view merges,
                                           const std::string& vocab_where, const std::string& merges_where,
                                           const FolderSettings& settings);
std::unique_ptr<Tokenizer> load_vocab_txt(std::string_view text, const std::string& where,
                                          const FolderSettings& settings);
std::unique_ptr<Tokenizer> load_sentencepiece(std::string_view bytes, const std::string& where,
                                              const FolderSettings& settings);

// {"token": id} of a vocab.json, every id once.
Vocab read_vocab_json(std::string_view text, const std::string& where);

}  // namespace valence::text
