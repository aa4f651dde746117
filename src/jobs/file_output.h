// An output file that appears when it is complete; private to this room.
#pragma once

#include "jobs/output.h"

namespace valence::jobs {

// Invariant on disk, after a crash at any moment: when the state exists, both partial files hold at least
// what it counts, and the final names are what they were before the run; unless the state says complete, when
// some of the renaming may be done.
class FileOutput final : public Output {
 public:
  explicit FileOutput(std::filesystem::path path);
  ~FileOutput() override;
  FileOutput(const FileOutput&) = delete;
  FileOutput& operator=(const FileOutput&) = delete;

  void write(std::string_view rows, std::string_view rejects) override;
  std::optional<JobState> resume(const JobState& now) override;
  void checkpoint(JobState& state) override;
  void commit(JobState& state) override;
  void discard() override;
  bool resumable() const override { return true; }
  bool has_state() const override { return has_state_; }
  std::filesystem::path rejects_path() const override { return final_rejects_; }

 private:
  struct Part {  // a partial file that grows
    std::filesystem::path path;
    int fd = -1;
    uint64_t size = 0;
  };
  void open_and_lock();
  void start();
  void truncate(Part& part, uint64_t size);
  void append(Part& part, std::string_view data);
  void sync(const Part& part) const;
  void save(const JobState& state);
  void finish(const JobState& state);
  void remove_files() const;
  void close_parts();
  [[noreturn]] void fail(const std::string& what) const;

  std::filesystem::path final_, final_rejects_, state_, new_state_;
  Part rows_, rejects_;
  bool started_ = false;    // the partial files are those of this run
  bool has_state_ = false;  // there is a state on disk
};

}  // namespace valence::jobs
