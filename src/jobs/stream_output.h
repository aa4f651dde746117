// An output that is written as it comes; private to this room.
#pragma once

#include "jobs/output.h"

namespace valence::jobs {

// Rejected rows go to standard error. Nothing is kept, so nothing can be resumed.
class StreamOutput final : public Output {
 public:
  // Takes the descriptor over when `owned`.
  StreamOutput(int fd, bool owned, std::string name);
  ~StreamOutput() override;
  void write(std::string_view rows, std::string_view rejects) override;
  std::optional<JobState> resume(const JobState&) override { return std::nullopt; }
  void checkpoint(JobState&) override {}
  void commit(JobState&) override {}
  void discard() override {}
  bool resumable() const override { return false; }

 private:
  int fd_;
  bool owned_;
};

}  // namespace valence::jobs
