// A training run from its data to its folder: the loop, its checkpoints, and going on with one.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "formats/model_files.h"
#include "train/settings.h"

namespace valence::train {

// What a run tells whoever watches it; any may be empty.
struct Watch {
  std::function<void(const std::string& line)> say;  // what is worth a line: the plan, evaluations, warnings
  struct Progress {
    int64_t step = 0, steps = 0;
    double loss = 0, learning_rate = 0, texts_per_second = 0, seconds_left = 0;
  };
  std::function<void(const Progress&)> progress;  // after each step
  bool keep_quiet = false;                        // no `say` but for warnings
  // The longest that a run goes on without a checkpoint where --save-steps does not say when; seconds.
  double most_unsaved = 600;
};

struct ModelSource {
  formats::ModelFiles model;
  std::optional<formats::ModelFiles> adapter;
  std::string base_name;  // how an adapter names the model
};

struct Outcome {
  int64_t steps = 0, skipped_steps = 0;
  double texts_per_second = 0;                  // of training alone
  double accuracy = 0, macro_f1 = 0, loss = 0;  // of the kept weights on the validation; 0 without one
  int64_t trainable = 0, parameters = 0;
};

// Trains into the folder `out`, which must not exist or be empty. Errors: those of reading data and model;
// kUsage for settings that contradict each other or a folder that is taken; kInterrupted after a checkpoint
// was written; kRuntime when losses are no numbers, another run is in the folder, or something cannot be
// written.
Outcome train(const Settings& settings, const ModelSource& source, const std::filesystem::path& out,
              const Watch& watch);

// Goes on from the last checkpoint of `folder`, or from the start. Errors: those of train(); kBadData when
// the rows are not those that the run began with.
Outcome resume(const Settings& settings, const ModelSource& source, const std::filesystem::path& folder,
               const Watch& watch);

}  // namespace valence::train
