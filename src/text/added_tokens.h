// Tokens that are found in the text before the model sees it: [MASK], </s> and those that users add.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"
#include "text/model.h"
#include "text/normalizer.h"

namespace valence::text {

struct AddedToken {
  std::string content;
  bool single_word = false;  // not where a letter or digit touches it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // and after it
  bool normalized = false;   // looked for in the normalized text, by its own normalized form
  bool special = false;
  bool operator==(const AddedToken&) const = default;
};

class AddedTokens {
 public:
  struct Match {
    size_t begin, end;  // bytes
    int32_t id;
  };

  // Adds a token under its id in the model's vocabulary, or the next free id as the reference counts them.
  // Returns the id. Errors: kBadData with `where` when no pattern would be left or another token has it.
  int32_t add(const AddedToken& token, const Model& model, const Normalizer* normalizer,
              const std::string& where);

  bool has_raw() const { return !raw_.trie.empty(); }
  bool has_normalized() const { return !normalized_.trie.empty(); }
  // Leftmost-longest matches of the tokens that are looked for in the raw or in the normalized text.
  void find_raw(std::string_view text, std::vector<Match>& matches) const { find(raw_, text, matches); }
  void find_normalized(std::string_view text, std::vector<Match>& matches) const {
    find(normalized_, text, matches);
  }

  const AddedToken* token(int32_t id) const;  // nullptr when there is none
  std::optional<int32_t> id(std::string_view content) const;
  int32_t end_id() const { return tokens_.empty() ? 0 : tokens_.rbegin()->first + 1; }

 private:
  struct Set {
    ByteTrie trie;
    std::vector<bool> first = std::vector<bool>(256);  // bytes that begin a token
    int only_first = -1;                               // the one byte that begins all of them
  };
  static void add_pattern(Set& set, std::string_view pattern, int32_t id, const std::string& where);
  static size_t next_candidate(const Set& set, std::string_view text, size_t from);
  void find(const Set& set, std::string_view text, std::vector<Match>& matches) const;

  std::map<int32_t, AddedToken> tokens_;
  std::map<std::string, int32_t, std::less<>> ids_;
  Set raw_, normalized_;
};

}  // namespace valence::text
