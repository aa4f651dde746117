// The normalizer of SentencePiece itself. The tokenizers library approximates it (see Precompiled); a model
// that comes as a .model file is read as its own library reads it.
#pragma once

#include <string>

#include "text/byte_trie.h"
#include "text/charsmap.h"
#include "text/normalizer.h"
#include "text/sentencepiece_file.h"

namespace valence::text {

// Replaces by the longest keys of the map, user-defined pieces excepted, and makes white space visible. A
// mark of a space stands for the same part of the original as what follows it.
class SentencePieceNormalizer : public Normalizer {
 public:
  // Errors: those of Charsmap.
  SentencePieceNormalizer(const SentencePieceFile& file, const std::string& where);
  void normalize(AlignedText& text) const override;

  // Whether what stands between two spaces is normalized by itself, with the mark of a space before it,
  // unless it reaches_over_space() or holds such a mark.
  bool cuts_at_spaces() const;
  // Whether a key of the map may begin in `word` and end behind the space that follows it.
  bool reaches_over_space(std::string_view word) const;
  // normalize() without the way back to the original.
  void normalize(std::string_view text, std::string& out) const;

 private:
  struct Prefix {
    size_t length;             // bytes of the text
    std::string_view written;  // what they become
  };
  Prefix next(std::string_view utf8) const;
  template <typename Result>
  void rewrite(std::string_view utf8, Result& out) const;

  Charsmap map_;
  ByteTrie user_defined_;
  bool user_defined_spaces_ = false;  // one of them holds a space
  bool add_dummy_prefix_, remove_extra_spaces_, space_is_suffix_;
  char32_t space_;
};

}  // namespace valence::text
