#include "train/run_state.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "formats/json.h"

namespace valence::train {
namespace {

using formats::Json;

constexpr const char* kEntryNames[] = {"loss",      "learning_rate", "gradient_norm",
                                       "eval_loss", "eval_accuracy", "eval_macro_f1"};

template <typename Entry>
auto figures_of(Entry& entry) {
  return std::array{&entry.loss,      &entry.learning_rate, &entry.gradient_norm,
                    &entry.eval_loss, &entry.eval_accuracy, &entry.eval_macro_f1};
}

Json entry_as_json(const LogEntry& entry) {
  Json::Object members{{"step", Json(entry.step)}, {"epoch", Json(entry.epoch)}};
  const auto figures = figures_of(entry);
  for (size_t k = 0; k < figures.size(); ++k) {
    if (*figures[k]) members.emplace_back(kEntryNames[k], Json(**figures[k]));
  }
  return Json(std::move(members));
}

LogEntry entry_of_json(const Json& json, const std::string& where) {
  LogEntry entry;
  const auto number = [&](const char* key) {
    const Json* value = json.get(key);
    return value == nullptr ? std::optional<double>() : value->as_number(where + ": " + key);
  };
  entry.step = static_cast<int64_t>(number("step").value_or(0));
  entry.epoch = number("epoch").value_or(0);
  const auto figures = figures_of(entry);
  for (size_t k = 0; k < figures.size(); ++k) *figures[k] = number(kEntryNames[k]);
  return entry;
}

}  // namespace

LogEntry RunState::new_entry(int64_t steps_of_epoch) const {
  LogEntry entry;
  entry.step = step;
  entry.epoch = static_cast<double>(step) / static_cast<double>(steps_of_epoch);
  return entry;
}

bool RunState::note_metric(double metric, bool larger_is_better) {
  const bool gains = best_step == 0 || (larger_is_better ? metric > best_metric : metric < best_metric);
  evaluations_without_gain = gains ? 0 : evaluations_without_gain + 1;
  if (!gains) return false;
  best_metric = metric;
  best_step = step;
  return true;
}

void write_state(const RunState& state, const std::filesystem::path& path) {
  Json::Array history;
  for (const LogEntry& entry : state.history) history.push_back(entry_as_json(entry));
  Json best;
  if (state.best_step > 0) best = Json(state.best_metric);
  const Json json(Json::Object{{"global_step", Json(state.step)},
                               {"max_steps", Json(state.steps)},
                               {"data_sha256", Json(state.data)},
                               {"best_global_step", Json(state.best_step)},
                               {"best_metric", std::move(best)},
                               {"evaluations_without_gain", Json(state.evaluations_without_gain)},
                               {"skipped_steps", Json(state.skipped_steps)},
                               {"skipped_in_a_row", Json(state.skipped_in_a_row)},
                               {"pending_loss", Json(state.pending_loss)},
                               {"pending_steps", Json(state.pending_steps)},
                               {"log_history", Json(std::move(history))}});
  AtomicFile file(path);
  file.write(json.dump() + "\n");
  file.commit();
}

RunState read_state(const std::filesystem::path& file) {
  const std::string where = file.string();
  const Json json = Json::parse(map_file(file)->text(), where);
  const auto integer = [&](const char* key) {
    const Json* value = json.get(key);
    const int64_t count = value == nullptr ? 0 : value->as_int(where + ": " + key);
    if (count < 0) throw Error(ErrorCode::kBadData, where + ": " + key + " is below 0");
    return count;
  };
  const auto number = [&](const char* key) {
    const Json* value = json.get(key);
    return value == nullptr ? 0.0 : value->as_number(where + ": " + key);
  };
  RunState state;
  state.step = integer("global_step");
  state.steps = integer("max_steps");
  if (const Json* data = json.get("data_sha256")) state.data = data->as_string(where + ": data_sha256");
  state.best_step = integer("best_global_step");
  state.best_metric = number("best_metric");
  state.evaluations_without_gain = integer("evaluations_without_gain");
  state.skipped_steps = integer("skipped_steps");
  state.skipped_in_a_row = integer("skipped_in_a_row");
  state.pending_loss = number("pending_loss");
  state.pending_steps = integer("pending_steps");
  if (const Json* history = json.get("log_history")) {
    for (const Json& entry : history->as_array(where + ": log_history")) {
      state.history.push_back(entry_of_json(entry, where));
    }
  }
  return state;
}

}  // namespace valence::train
