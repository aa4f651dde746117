// The byte pair encoding of SentencePiece: the neighbours whose joined text has the best score are merged
// first, the leftmost of equals. Unlike Bpe it has no list of merges, any two that make a piece may join.
#pragma once

#include <array>
#include <vector>

#include "text/byte_trie.h"
#include "text/model.h"
#include "text/sentencepiece_file.h"

namespace valence::text {

class SentencePieceBpe : public Model {
 public:
  // Ids are those of the file. Errors: kBadData with `where` for unused pieces.
  SentencePieceBpe(Vocab vocab, const SentencePieceFile& file, const std::string& where);

  void tokenize(std::string_view piece, std::vector<Token>& tokens) const override;
  const Vocab& vocab() const override { return vocab_; }
  bool tokens_are_surfaces() const override { return true; }

 private:
  struct Symbol;
  class Merger;

  std::vector<Symbol> split(std::string_view piece) const;

  Vocab vocab_;
  std::vector<float> scores_;    // by id
  std::vector<bool> mergeable_;  // by id
  ByteTrie user_defined_;
  int32_t unknown_;
  bool byte_fallback_;
  std::array<int32_t, 256> fallback_ids_{};
};

}  // namespace valence::text
