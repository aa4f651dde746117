// From logits to what is said of a text.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "models/config.h"

namespace valence::pipeline {

// Softmax; sigmoid for multi-label or one label; the logits themselves for regression.
std::vector<float> scores_of(std::span<const float> logits, models::Problem problem);

// The index of the largest score, the first of equal ones.
int best_of(std::span<const float> scores);

// logits [windows, labels] of one text to their mean [labels].
std::vector<float> mean_of_windows(std::span<const float> logits, size_t labels);

}  // namespace valence::pipeline
