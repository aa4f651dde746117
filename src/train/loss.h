// Losses of a micro batch and their gradients.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/config.h"
#include "train/dataset.h"

namespace valence::train {

struct LossSettings {
  models::Problem problem = models::Problem::kSingleLabel;
  double label_smoothing = 0;
  std::vector<double> class_weights;  // [labels], empty: all 1
  bool labels_of_files = false;       // single label: over the labels that the row's file has, no others
};

// The mean loss of the rows (cross-entropy; squared error; of binary cross-entropy over rows x labels), and
// its gradient times `scale`. logits and d_logits [rows, labels].
double loss_and_gradient(const LossSettings& settings, const Dataset& data, std::span<const int64_t> rows,
                         std::span<const float> logits, double scale, std::span<float> d_logits);

}  // namespace valence::train
