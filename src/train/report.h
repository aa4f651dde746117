// What a finished run tells people: the model card and a picture of its curves.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "train/metrics.h"
#include "train/run_state.h"
#include "train/settings.h"

namespace valence::train {

struct CardFacts {
  std::string base;
  std::vector<std::string> labels;
  int64_t rows = 0, validation_rows = 0;
  int64_t trainable = 0, parameters = 0;
  std::optional<Metrics> metrics;       // of the kept weights on the validation
  std::optional<double> squared_error;  // of regression
};

// README.md. Errors: kRuntime.
void write_card(const Settings& settings, const CardFacts& facts, const std::filesystem::path& file);
// curves.svg: the loss, and the figures of the evaluations. Errors: kRuntime.
void write_curves(const RunState& state, const std::filesystem::path& file);

}  // namespace valence::train
