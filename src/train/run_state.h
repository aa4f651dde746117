// Where a run stands: trainer_state.json, beside the weights of a checkpoint and of the finished model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace valence::train {

// A line of log_history: of training (loss, learning_rate, gradient_norm) or of an evaluation.
struct LogEntry {
  int64_t step = 0;
  double epoch = 0;
  std::optional<double> loss, learning_rate, gradient_norm;
  std::optional<double> eval_loss, eval_accuracy, eval_macro_f1;
};

struct RunState {
  int64_t step = 0, steps = 0;  // done, and of the whole run
  std::string data;             // Dataset::digest() of the rows; of older runs empty
  std::vector<LogEntry> history;
  int64_t best_step = 0;  // of the evaluation whose weights are kept; 0 before the first
  double best_metric = 0;
  int64_t evaluations_without_gain = 0;
  int64_t skipped_steps = 0, skipped_in_a_row = 0;
  // Sums of the log entry that is being collected.
  double pending_loss = 0;
  int64_t pending_steps = 0;

  // Of the log, at this step.
  LogEntry new_entry(int64_t steps_of_epoch) const;
  // Whether the metric of an evaluation at this step is the best so far; takes it down.
  bool note_metric(double metric, bool larger_is_better);
};

// Errors: kRuntime.
void write_state(const RunState& state, const std::filesystem::path& file);
// Errors: kNoInput, kBadData.
RunState read_state(const std::filesystem::path& file);

}  // namespace valence::train
