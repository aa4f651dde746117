// What a call found, and the Python objects that are made of it.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/config.h"
#include "pipeline/classifier.h"

namespace valence::python {

// What of a model its answers need, so that they may outlive it.
struct ModelFacts {
  explicit ModelFacts(const pipeline::Classifier& classifier);
  std::vector<std::string> labels;
  std::vector<pipeline::Task> tasks;
  models::Problem problem;
};

class Answers {
 public:
  Answers(std::vector<pipeline::Result> results, std::shared_ptr<const ModelFacts> facts)
      : results_(std::move(results)), facts_(std::move(facts)) {}

  size_t size() const { return results_.size(); }

  // As transformers' text-classification pipeline answers: for each text {"label", "score"} of the best label
  // (`best`), or a list of the `top_k` best, sorted unless `unsorted`, when all are given in the model's
  // order. `function` is "softmax", "sigmoid", "none", or "" for what suits the model. ValueError names a
  // text that could not be used.
  nanobind::list pipeline(const std::string& function, bool best, std::optional<int64_t> top_k,
                          bool unsorted) const;

  // For each text (error, message, label, score, scores, polarity, tokens, windows, truncated, tasks): the
  // arguments of valence.Result.
  nanobind::list rows() const;

  // float32 [texts, labels]; NaN for a text that could not be used.
  nanobind::bytes logits() const;

  // The Arrow C data interface: a struct array of one row for each text, as a pair of capsules.
  nanobind::tuple arrow() const;

  const std::vector<pipeline::Result>& results() const { return results_; }

 private:
  std::vector<pipeline::Result> results_;
  std::shared_ptr<const ModelFacts> facts_;
};

}  // namespace valence::python
