// The folder of a run: its checkpoints while it goes on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "train/settings.h"

namespace valence::train {

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path settings_file() const { return path_ / "train.toml"; }
  std::filesystem::path state_file() const { return path_ / kStateName; }
  std::filesystem::path checkpoint(int64_t step) const {
    return path_ / ("checkpoint-" + std::to_string(step));
  }

  // For a new run: makes the folder, which must hold nothing but what a killed run left, and locks it.
  // Errors: kUsage when it is taken; those of lock().
  void claim();
  // The run is not to be: what claim() made goes.
  void give_up();
  // Keeps other runs away as long as this object lives (flock(2) on the folder). Errors: kRuntime when one is
  // going on, or the folder cannot be read.
  void lock();
  // Steps of the complete checkpoints, ascending.
  std::vector<int64_t> checkpoints() const;
  // Removes all checkpoints but these.
  void keep_only(std::initializer_list<int64_t> steps) const;
  // Removes what a killed run left under temporary names.
  void remove_leavings() const;

  static constexpr const char* kStateName = "trainer_state.json";
  static constexpr const char* kOptimizerName = "optimizer.safetensors";

 private:
  bool is_taken() const;

  std::filesystem::path path_;
  int lock_ = -1;
  bool made_ = false;  // by claim()
};

// The settings of a run that began in `folder`. Errors: kNoInput when none did.
Settings settings_of_run(const std::filesystem::path& folder);
bool is_finished(const std::filesystem::path& folder);

}  // namespace valence::train
