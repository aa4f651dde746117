// How good a model in training is on its validation rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/config.h"
#include "models/trainable_classifier.h"
#include "nn/trainable.h"
#include "train/dataset.h"
#include "train/metrics.h"

namespace valence::train {

// Rows side by side, as a pass reads them.
class PackedRows {
 public:
  void fill(const models::ModelConfig& config, const Dataset& data, std::span<const int64_t> rows);
  nn::Batch batch() const { return {ids_, positions_, cumulative_lengths_}; }

 private:
  std::vector<int32_t> ids_, positions_, cumulative_lengths_;
};

struct Evaluation {
  double loss = 0;                 // the mean of the rows, without weights and smoothing
  std::optional<Metrics> metrics;  // absent for regression
  double accuracy() const { return metrics ? metrics->accuracy : 0; }
  std::string text() const;  // "validation loss 0.5123, accuracy 0.8000, macro-F1 0.7890"
  double macro_f1() const { return metrics ? metrics->macro_f1 : 0; }
};

// `labels_of_files`: of each row only the labels that its file has are compared. Errors: kRuntime when the
// loss is no number.
Evaluation evaluate(nn::TrainingPass& pass, const models::TrainableClassifier& model, const Dataset& data,
                    bool labels_of_files);

}  // namespace valence::train
