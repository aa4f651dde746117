// Tiny checkpoints in training.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/threads.h"
#include "models/positions.h"
#include "models/tiny_models_for_test.h"
#include "models/trainable_classifier.h"

namespace valence::models {

struct TinyCase {
  std::string base, adapter;
  TrainingMethod method = TrainingMethod::kFull;
  std::vector<std::string> targets = {};
  bool freeze_words = false;
};

// A tiny model in training with the texts of its golden file as one batch.
class TinyTraining {
 public:
  explicit TinyTraining(const TinyCase& setup, nn::PassOptions options = {}, ThreadPool* pool = nullptr)
      : TinyTraining(setup, options, backend::make_cpu_training_backend(pool)) {}
  TinyTraining(const TinyCase& setup, nn::PassOptions options,
               std::unique_ptr<backend::TrainingBackend> training)
      : golden_(read_golden(setup.adapter.empty() ? setup.base : setup.adapter)),
        training_(std::move(training)) {
    const ModelFiles base = golden_files(setup.base);
    const auto adapter = setup.adapter.empty() ? std::nullopt : std::optional(golden_files(setup.adapter));
    TrainableSettings settings;
    settings.method = setup.method;
    settings.lora.targets = setup.targets;
    settings.freeze_words = setup.freeze_words;
    settings.labels = read_config(base).labels;
    if (adapter && golden_.logits.front().size() != settings.labels.size()) {
      settings.labels.clear();
      for (size_t k = 0; k < golden_.logits.front().size(); ++k)
        settings.labels.push_back("LABEL_" + std::to_string(k));
    }
    model_ = std::make_unique<TrainableClassifier>(base, adapter ? &*adapter : nullptr, settings, *training_);
    pass_.emplace(model_->model(), *training_, options);
    cumulative_ = {0};
    for (const auto& text : golden_.ids) {
      ids_.insert(ids_.end(), text.begin(), text.end());
      cumulative_.push_back(static_cast<int32_t>(ids_.size()));
    }
    set_positions(model_->config(), ids_, cumulative_, positions_);
  }

  backend::TrainingBackend& backend() { return *training_; }
  const Golden& golden() const { return golden_; }
  TrainableClassifier& model() { return *model_; }
  std::vector<float> logits(std::optional<uint64_t> key = {}) {
    const auto out = pass_->forward({ids_, positions_, cumulative_}, key);
    return {out.begin(), out.end()};
  }
  std::vector<float> inferred() {
    const auto out = pass_->infer({ids_, positions_, cumulative_});
    return {out.begin(), out.end()};
  }
  // Of the sum of logits times `weights`.
  void compute_gradients(const std::vector<float>& weights, std::optional<uint64_t> key = {}) {
    for (nn::Parameter* parameter : model_->trained()) parameter->clear_gradient(*training_);
    logits(key);
    pass_->backward(weights);
  }
  std::vector<float> random_weights() {
    Random random(5);
    std::vector<float> weights(logits().size());
    for (float& w : weights) w = static_cast<float>(random.normal());
    return weights;
  }

 private:
  Golden golden_;
  std::unique_ptr<backend::TrainingBackend> training_;
  std::unique_ptr<TrainableClassifier> model_;
  std::optional<nn::TrainingPass> pass_;
  std::vector<int32_t> ids_, positions_, cumulative_;
};

// The gradient of a tensor as one row after the other, zeros where a table's row did not occur.
inline std::vector<float> dense_gradient(const nn::Parameter& parameter) {
  std::vector<float> unused;
  const std::span<const float> gradient = parameter.gradient.on_host(unused);
  if (!parameter.by_rows) return {gradient.begin(), gradient.end()};
  std::vector<float> out(static_cast<size_t>(parameter.count()), 0.0f);
  for (size_t place = 0; place < parameter.occurring_rows.size(); ++place) {
    std::copy_n(gradient.begin() + static_cast<int64_t>(place) * parameter.columns, parameter.columns,
                out.begin() + parameter.occurring_rows[place] * parameter.columns);
  }
  return out;
}

}  // namespace valence::models
