#include "train/answers.h"

#include <algorithm>
#include <cmath>

namespace valence::train {

using models::Problem;

void Answers::add(std::span<const int32_t> truth, float number, std::span<const float> logits,
                  std::span<const uint8_t> counts) {
  ++rows_;
  switch (problem_) {
    case Problem::kSingleLabel:
      return add_single(truth.front(), logits, counts);
    case Problem::kMultiLabel:
      for (int32_t c = 0; c < labels_; ++c) {
        true_bits_.push_back(std::ranges::find(truth, c) != truth.end());
        answer_bits_.push_back(logits[static_cast<size_t>(c)] > 0);
      }
      return;
    case Problem::kRegression: {
      const double difference = static_cast<double>(logits[0]) - static_cast<double>(number);
      squares_ += difference * difference;
    }
  }
}

void Answers::add_single(int32_t truth, std::span<const float> logits, std::span<const uint8_t> counts) {
  const auto is_in = [&](size_t c) { return counts.empty() || counts[c] != 0; };
  size_t best = 0;
  while (!is_in(best)) ++best;
  for (size_t c = best; c < logits.size(); ++c) {
    if (is_in(c) && logits[c] > logits[best]) best = c;
  }
  double sum = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    if (is_in(c)) sum += std::exp(static_cast<double>(logits[c]) - static_cast<double>(logits[best]));
  }
  truth_.push_back(truth);
  answers_.push_back(static_cast<int32_t>(best));
  confidence_.push_back(1 / sum);
  right_.push_back(truth_.back() == answers_.back());
}

std::optional<Metrics> Answers::metrics() const {
  if (problem_ == Problem::kSingleLabel)
    return classification_metrics(truth_, answers_, confidence_, labels_);
  if (problem_ == Problem::kMultiLabel) return multi_label_metrics(true_bits_, answer_bits_, labels_);
  return {};
}

std::optional<double> Answers::squared_error() const {
  if (problem_ != Problem::kRegression || rows_ == 0) return {};
  return squares_ / static_cast<double>(rows_);
}

}  // namespace valence::train
