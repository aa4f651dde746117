// Prediction with a model of fastText, to the same values as fastText itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "language/fasttext_file.h"
#include "language/label_tree.h"

namespace valence::language {

struct Candidate {
  size_t label = 0;  // index into labels()
  float probability = 0;
};

// Immutable, so any number of threads may share it.
class FastTextModel {
 public:
  explicit FastTextModel(FastTextFile file);

  // Without "__label__".
  const std::vector<std::string>& labels() const { return labels_; }
  size_t dim() const { return file_.input.columns; }

  // The `count` most probable labels of a line, best first, as fastText's predict gives them; none for a line
  // that has no word or n-gram of the model. The probabilities are fastText's: a little above the true ones.
  std::vector<Candidate> best(std::string_view line, size_t count) const;

  // What the model has of a word.
  struct Coverage {
    bool known = false;              // it is in the dictionary
    uint32_t rows = 0;               // of the word and its n-grams
    uint32_t long_ngrams = 0;        // n-grams of the greatest length in the word...
    uint32_t known_long_ngrams = 0;  // ...and those that a pruned model kept
  };
  // Adds the rows of a word and of its n-grams to `sum` [dim].
  Coverage add_word(std::string_view word, std::span<float> sum) const;
  // The same for the end of a line, which fastText counts as a word; returns the number of rows.
  size_t add_line_end(std::span<float> sum) const;
  // Whether n-grams that hardly occur in the training data are unknown to the model.
  bool is_pruned() const { return file_.pruned && file_.maxn > 0; }

  // Natural logarithms of the probability of every label, for the mean of rows. [labels]
  void log_probabilities(std::span<const float> hidden, std::span<float> out) const;
  // The same within 1e-3, several times faster.
  void estimate_log_probabilities(std::span<const float> hidden, std::span<float> out) const;

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t row = -1;
  };
  int32_t find_word(std::string_view word, uint32_t hash) const;
  static constexpr uint32_t kFilterBits = 1U << 20;
  // The row of an n-gram whose hash modulo the bucket is `bucket`, -1 when it was pruned.
  int64_t ngram_row(uint32_t bucket) const;
  template <typename Add>
  void for_each_row_of_word(std::string_view word, uint32_t hash, Add add) const;
  template <typename Add>
  void for_each_row_of_line(std::string_view line, Add add) const;
  void output_scores(std::span<const float> hidden, std::span<float> out) const;
  void scores_to_probabilities(std::span<float> scores) const;

  FastTextFile file_;
  std::vector<std::string> labels_;
  std::vector<Slot> slots_;  // of the words and labels, open addressing; labels have rows behind the words
  std::vector<Slot> kept_;   // of the n-grams that a pruned model kept
  std::vector<uint64_t> maybe_kept_;  // a bit for each hash modulo kFilterBits: most n-grams end there
  LabelTree tree_;                    // hierarchical softmax
  std::vector<float> columns_;        // [dim, labels], the output matrix by columns
};

}  // namespace valence::language
