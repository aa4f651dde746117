// WordPiece (Schuster and Nakajima 2012): the longest token that fits, from left to right.
#pragma once

#include <string>

#include "text/model.h"

namespace valence::text {

class WordPiece : public Model {
 public:
  struct Settings {
    std::string unknown = "[UNK]";
    std::string prefix = "##";  // of a token that continues a word
    size_t longest_word = 100;  // in code points; a longer word is unknown as a whole
  };
  // Errors: kBadData when the vocabulary lacks the unknown token.
  WordPiece(Vocab vocab, Settings settings, const std::string& where);

  void tokenize(std::string_view piece, std::vector<Token>& tokens) const override;
  const Vocab& vocab() const override { return vocab_; }

 private:
  Token longest_match(std::string_view word, size_t begin) const;

  Vocab vocab_;
  Settings settings_;
  int32_t unknown_;
  uint64_t prefix_hash_;
};

}  // namespace valence::text
