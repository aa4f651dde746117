// What `valence bench` measures on a loaded model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/config.h"
#include "pipeline/classifier.h"

namespace valence::app {

// The texts, in calls of a few hundred as the file job hands them over; a short list is repeated.
class Workload {
 public:
  explicit Workload(std::vector<std::string> texts);
  size_t texts() const { return views_.size(); }
  size_t calls() const;
  std::span<const std::string_view> call(size_t index) const;

 private:
  std::vector<std::string> texts_;
  std::vector<std::string_view> views_;
};

struct Lengths {
  double tokens = 0;      // mean of a text, special tokens included
  double operations = 0;  // mean of a text
};

// Operations of one text of `tokens` tokens: 2 P T + 4 T² hidden layers, where P counts the weights of the
// encoder's matrices: a multiplication and an addition for each weight and token, then Q Kᵀ and the product
// with V. Lookups, norms, activations and the head are left out, as is that the last layer is needed for one
// token only.
double operations_of(const models::ModelConfig& config, int64_t tokens);

Lengths measure_lengths(pipeline::Classifier& classifier, const models::ModelConfig& config,
                        const Workload& work);

// Texts per second, text to label, with all workers of `classifier`: whole rounds of the workload for about
// `seconds`, after one that warms up.
double measure_rate(pipeline::Classifier& classifier, const Workload& work, double seconds);

struct Latency {
  double p50_ms = 0, p95_ms = 0;
};

// One text, all threads on it, `runs` times after some that warm up.
Latency measure_latency(pipeline::Classifier& classifier, std::string_view text, int runs);

}  // namespace valence::app
