// From logits to what users read.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "models/config.h"

namespace valence::pipeline {

// Softmax; the sigmoid of each for several labels at once and for a single one; of a regression the values.
std::vector<float> scores_of(std::span<const float> logits, models::Problem problem);

// The index of the largest, the first of equals.
int best_of(std::span<const float> scores);

// `logits` is [windows, labels]; the mean over the windows of each label.
std::vector<float> mean_of_windows(std::span<const float> logits, size_t labels);

}  // namespace valence::pipeline
