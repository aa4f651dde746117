// Unigram language model (Kudo 2018): the segmentation whose scores have the greatest sum, by Viterbi.
#pragma once

#include <array>
#include <vector>

#include "text/double_array_trie.h"
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
  int32_t size() const override { return vocab_.end_id(); }  // a token listed twice counts twice

  // What a cache of words needs, as SentencePiece segments a whole text at once.
  Flavor flavor() const { return settings_.flavor; }
  // As tokenize(), for a piece that follows tokens whose scores sum up to `before`; returns the sum behind
  // it. Appends ids; `has_unknown` is set when one of them stands for an unknown code point.
  float tokenize_after(float before, std::string_view piece, std::vector<int32_t>& ids,
                       bool& has_unknown) const;
  float score(int32_t id) const { return static_cast<float>(scores_[static_cast<size_t>(id)]); }
  float largest_score() const { return largest_score_; }  // in magnitude
  // By how much the best segmentation of a piece is better than the next one; infinity when there is no
  // other.
  double margin(std::string_view piece) const;
  // Whether no token holds `mark` but at its beginning, and `mark` is one: no token then crosses a mark.
  bool cuts_before(std::string_view mark) const;
  bool tokens_are_surfaces() const override { return true; }

 private:
  template <typename Score>
  Score segment(std::string_view piece, Score before, std::vector<Token>& tokens) const;
  void join_unknown(std::string_view piece, const std::vector<Token>& path, std::vector<Token>& tokens) const;
  void add_unknown(std::string_view piece, uint32_t begin, uint32_t end, std::vector<Token>& tokens) const;

  Vocab vocab_;
  Settings settings_;
  std::vector<double> scores_;  // by id
  float largest_score_ = 0;
  std::array<int32_t, 256> fallback_ids_{};
  DoubleArrayTrie trie_;
};

}  // namespace valence::text
