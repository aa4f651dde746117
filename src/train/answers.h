// A classifier's answers beside the truth, collected row by row.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/config.h"
#include "train/metrics.h"

namespace valence::train {

class Answers {
 public:
  Answers(models::Problem problem, int64_t labels) : problem_(problem), labels_(labels) {}

  // `truth`: the numbers of the row's labels, or of regression none and its `number`. Labels whose `counts`
  // is 0 are no answers; all are where it is empty.
  void add(std::span<const int32_t> truth, float number, std::span<const float> logits,
           std::span<const uint8_t> counts = {});

  int64_t rows() const { return rows_; }
  std::optional<Metrics> metrics() const;                    // absent for regression
  std::optional<double> squared_error() const;               // the mean, of regression
  const std::vector<bool>& right() const { return right_; }  // each row of a single-label model

 private:
  void add_single(int32_t truth, std::span<const float> logits, std::span<const uint8_t> counts);

  models::Problem problem_;
  int64_t labels_;
  int64_t rows_ = 0;
  std::vector<int32_t> truth_, answers_;
  std::vector<double> confidence_;
  std::vector<uint8_t> true_bits_, answer_bits_;
  std::vector<bool> right_;
  double squares_ = 0;
};

}  // namespace valence::train
