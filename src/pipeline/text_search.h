// The search for one text: greedy, or by beams as transformers 5 does it (GenerationMixin._beam_search): of
// the hypotheses that run, the 2 n best continuations; ended ones are kept with their score divided by
// length^penalty, until the best that runs cannot become better than the worst of n kept ones.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/decoding.h"
#include "models/marian_config.h"

namespace valence::pipeline {

class TextSearch {
 public:
  // A text that is being written.
  struct Hypothesis {
    std::vector<int32_t> tokens;  // behind the start token
    std::vector<int32_t> slots;   // of the decoder's memory
    float score = 0;              // the sum of log probabilities
  };

  // `settings` must outlive the search.
  TextSearch(const models::GenerationSettings& settings, int32_t start);

  bool done() const { return done_; }
  // Those that run: the rows of the next step.
  std::vector<Hypothesis>& running() { return running_; }
  int32_t last_token(const Hypothesis& hypothesis) const;
  // What a step has to find out about a running hypothesis.
  backend::TokenScores wanted(const Hypothesis& hypothesis);
  // Goes on by what the step found out, a row for each that runs.
  void advance(std::span<const backend::TokenScores> rows);

  // When done: the tokens, with the end token where one was generated.
  const std::vector<int32_t>& tokens() const;
  // Whether the text was stopped at max_length.
  bool cut() const { return cut_; }

 private:
  struct Candidate {
    float score;
    size_t parent;
    int32_t token;
  };
  struct Ended {
    std::vector<int32_t> tokens;
    float score;
    bool cut;
  };
  void advance_greedily(const backend::TokenScores& row);
  std::vector<Candidate> candidates(std::span<const backend::TokenScores> rows) const;
  void keep(const Candidate& candidate, bool cut);
  bool can_improve() const;
  bool is_end(int32_t token) const;
  // Tokens of the running hypotheses, the start token included.
  int64_t length() const { return static_cast<int64_t>(running_.front().tokens.size()) + 1; }

  const models::GenerationSettings& settings_;
  int32_t start_;
  std::vector<Hypothesis> running_;
  std::vector<Ended> ended_;                     // falling scores, at most as many as there are beams
  std::vector<std::vector<int32_t>> forbidden_;  // by row of the step
  size_t rows_ = 0;
  bool done_ = false, cut_ = false;
};

}  // namespace valence::pipeline
