// The precompiled normalization map of SentencePiece: a double-array trie (Aoe 1989, in the layout of
// Darts-clone) from byte strings to replacements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace valence::text {

class Charsmap {
 public:
  Charsmap() = default;  // maps nothing
  // `bytes`: the length of the trie in bytes (u32), its units (u32), then the replacements, each ended by a
  // NUL. Errors: kBadData with `where` when the length is not what follows or the replacements are not UTF-8.
  Charsmap(std::string_view bytes, const std::string& where);

  bool empty() const { return units_.empty(); }

  struct Match {
    size_t length = 0;  // bytes of the text that the replacement is for
    std::string_view replacement;
  };
  // The shortest and the longest key that begins `text`; nothing when there is none.
  std::optional<Match> shortest(std::string_view text) const;
  std::optional<Match> longest(std::string_view text) const;
  // Whether `text` is the beginning of a key, or all of one.
  bool begins_key(std::string_view text) const;

 private:
  // Calls found(match) for each key that begins `text`, the shortest first, until it returns false. Returns
  // how many bytes were walked along keys.
  template <typename Function>
  size_t prefixes(std::string_view text, Function found) const;
  std::string_view replacement(uint32_t at) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

// Errors: kBadData with `where` for anything that is not base64 (RFC 4648, with padding).
std::string decode_base64(std::string_view text, const std::string& where);

}  // namespace valence::text
