// Unigram language model (Kudo 2018): the segmentation whose scores have the greatest sum, by Viterbi.
#pragma once

#include <array>
#include <vector>

#include "text/byte_trie.h"
#include "text/model.h"

namespace valence::text {

class Unigram : public Model {
 public:
  // How the two libraries differ on the same scores.
  enum class Flavor {
    kTokenizers,     // sums in double precision; unknown runs are looked up once more
    kSentencePiece,  // sums in single precision
  };
  struct Settings {
    int32_t unknown = 0;
    double unknown_score = 0;    // of an unknown code point
    bool byte_fallback = false;  // <0x41> for the bytes of an unknown run
    Flavor flavor = Flavor::kTokenizers;
  };
  // A token that may be part of a segmentation.
  struct Entry {
    int32_t id;
    double score;  // log probability
  };
  static constexpr double kUnknownPenalty = 10;  // of the unknown score below the lowest one

  // Errors: kBadData when `unknown` is no token.
  Unigram(Vocab vocab, const std::vector<Entry>& entries, Settings settings, const std::string& where);

  void tokenize(std::string_view piece, std::vector<Token>& tokens) const override;
  const Vocab& vocab() const override { return vocab_; }
  bool tokens_are_surfaces() const override { return true; }

 private:
  template <typename Score>
  void segment(std::string_view piece, std::vector<Token>& tokens) const;
  void add_unknown(std::string_view piece, uint32_t begin, uint32_t end, std::vector<Token>& tokens) const;

  Vocab vocab_;
  Settings settings_;
  std::vector<double> scores_;  // by id
  std::array<int32_t, 256> fallback_ids_{};
  ByteTrie trie_;
};

}  // namespace valence::text
