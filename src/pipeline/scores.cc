#include "pipeline/scores.h"

#include <algorithm>
#include <cmath>

namespace valence::pipeline {

using models::Problem;

std::vector<float> scores_of(std::span<const float> logits, Problem problem) {
  std::vector<float> scores(logits.begin(), logits.end());
  if (problem == Problem::kRegression) return scores;
  if (problem == Problem::kMultiLabel || logits.size() == 1) {
    for (float& score : scores) score = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(score))));
    return scores;
  }
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  for (float& score : scores) score = static_cast<float>(std::exp(score - largest) / sum);
  return scores;
}

int best_of(std::span<const float> scores) {
  return static_cast<int>(std::ranges::max_element(scores) - scores.begin());
}

std::vector<float> mean_of_windows(std::span<const float> logits, size_t labels) {
  const size_t windows = logits.size() / labels;
  std::vector<float> means(labels);
  for (size_t label = 0; label < labels; ++label) {
    double sum = 0;
    for (size_t k = label; k < logits.size(); k += labels) sum += static_cast<double>(logits[k]);
    means[label] = static_cast<float>(sum / static_cast<double>(windows));
  }
  return means;
}

}  // namespace valence::pipeline
