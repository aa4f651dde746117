#include "train/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "train/meaning.h"

namespace valence::train {
namespace {

constexpr size_t kMostLabelsSaid = 12;

std::string balance(const Dataset& data) {
  const std::vector<int64_t> rows = data.rows_of_labels();
  std::string out;
  for (size_t c = 0; c < std::min(rows.size(), kMostLabelsSaid); ++c) {
    out += fmt::format("{} {} {:.1f}%", c == 0 ? ":" : ",", printable(data.names()[c], 40),
                       100.0 * static_cast<double>(rows[c]) / static_cast<double>(data.rows()));
  }
  return rows.size() > kMostLabelsSaid ? out + ", ..." : out;
}

// What weights, gradients, moments and the activations of a pass over average texts take, in MB.
int64_t expected_memory(const Settings& settings, const Dataset& data,
                        const models::TrainableClassifier& model, int64_t trainable, int64_t pass_tokens) {
  constexpr double kProgram = 40;
  constexpr double kMappedRow = 65'536;  // what the system maps around a row of a frozen word table
  const models::ModelConfig& config = model.config();
  const bool full = settings.method == "full";
  const auto words = static_cast<double>(config.vocab_size * config.hidden);
  // Value, gradient and moments; of the word table no gradient.
  const double moments = optimizer_of(settings).kind == OptimizerKind::kFp32 ? 8 : 2;
  const double table = !full ? 0 : settings.freeze == "embeddings" ? 4 * words : -4 * words;
  const double trained = static_cast<double>(trainable) * (8 + moments) + table;
  const double batch =
      static_cast<double>(settings.batch_size * data.tokens_of_all()) / static_cast<double>(data.rows());
  // Micro batches of a step pass together while they fit.
  const double tokens = std::max(
      batch, std::min(static_cast<double>(pass_tokens), batch * static_cast<double>(settings.accumulation)));
  const double mapped = full ? 0 : std::min(4 * words, tokens * kMappedRow);
  const double layers = settings.recompute ? 2 : static_cast<double>(config.layers);
  const auto hidden = static_cast<double>(config.hidden), wide = static_cast<double>(config.intermediate);
  const double activations = 4 * tokens * (layers * (7 * hidden + wide) + 10 * hidden + 2 * wide);
  return static_cast<int64_t>((model.frozen_bytes() + trained + mapped + activations) / 1e6 + kProgram);
}

}  // namespace

std::string expected_time(double seconds) {
  const auto whole = static_cast<int64_t>(seconds) + 1;
  return fmt::format("about {}:{:02}:{:02} on this machine", whole / 3600, whole / 60 % 60, whole % 60);
}

std::vector<std::string> remarks_on(const Dataset& data, int64_t limit) {
  std::vector<std::string> lines = skipped_rows(data.empty_texts(), data.rejects());
  if (data.cut_texts() > 0)
    lines.push_back(fmt::format("{} texts are longer than {} tokens and are cut", data.cut_texts(), limit));
  return lines;
}

std::vector<std::string> plan_of_run(const Settings& settings, const Dataset& data, const Dataset& validation,
                                     const models::TrainableClassifier& model, int64_t trainable,
                                     int64_t steps, int64_t pass_tokens) {
  const double share = static_cast<double>(trainable) / static_cast<double>(model.parameters());
  return {fmt::format("{} rows to train on, {} to validate; {} labels{}", data.rows(), validation.rows(),
                      model.config().labels.size(), balance(data)),
          fmt::format("{}: {} of {} parameters are trained ({:.2f}%){}", settings.method, trainable,
                      model.parameters(), 100 * share, model.has_new_head() ? "; the head is new" : ""),
          fmt::format("{} steps of {} x {} rows, about {} MB of memory", steps, settings.accumulation,
                      settings.batch_size, expected_memory(settings, data, model, trainable, pass_tokens))};
}

}  // namespace valence::train
