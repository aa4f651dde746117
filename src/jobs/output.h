// Where a job's rows go: straight to a descriptor, or into a file that appears when it is complete.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/job_state.h"

namespace valence::jobs {

class Output {
 public:
  virtual ~Output() = default;
  virtual void write(std::string_view rows, std::string_view rejects) = 0;
  // The state that --resume goes on from; nothing when there is none. `now` has the settings of this run.
  // Errors: kUsage when they differ, kBadData when the state is damaged. In both cases it stays as it was.
  virtual std::optional<JobState> resume(const JobState& now) = 0;
  // Makes all that was written last, with a state to go on from. Sets the two sizes of `state`.
  virtual void checkpoint(JobState& state) = 0;
  // The output is complete. Sets the sizes of `state` too.
  virtual void commit(JobState& state) = 0;
  // Removes all that was written and the state: there is nothing to go on from.
  virtual void discard() = 0;
  // Whether a state is kept (an output file), and what messages call the output.
  virtual bool resumable() const = 0;
  // Whether there is one now.
  virtual bool has_state() const { return false; }
  const std::string& name() const { return name_; }
  // The file of rejected rows; empty when they go to standard error.
  virtual std::filesystem::path rejects_path() const { return {}; }

 protected:
  std::string name_;
};

// `path` empty or "-": standard output. A path that is a device or pipe is written straight too. Otherwise
// the rows stand beside the final name until the end, as .NAME.valence-partial, .NAME.valence-rejects and
// .NAME.valence-state. The first of them is locked, so that two runs never write one output.
// Errors: kRuntime when the file cannot be made, or another run is writing it; kUsage for a name in .gz or
// .zst.
std::unique_ptr<Output> open_output(const std::filesystem::path& path);

// Errors: kUsage when the file `output` is the file `input` itself.
void refuse_same_file(const std::filesystem::path& input, const std::filesystem::path& output);

}  // namespace valence::jobs
