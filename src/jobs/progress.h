// One line on a terminal that says how far a job is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace valence::jobs {

class Progress {
 public:
  // `shown`: standard error is a terminal and the user wants to see it.
  explicit Progress(bool shown) : shown_(shown) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `rows` of this run; bytes of the input taken and in all (0: unknown), before decompression. Draws a few
  // times a second at most.
  void update(uint64_t rows, uint64_t bytes_taken, uint64_t bytes_total);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool shown_, drawn_ = false;
  Clock::time_point start_ = Clock::now(), next_ = start_;
  uint64_t first_bytes_ = 0;  // where a resumed run began
  bool begun_ = false;
};

// "1,234 rows, 567 rows/s, 34%, 2 min 10 s left"; the last two only when they are known.
// `share` and `run_share` are parts of the input, in all and in this run.
std::string progress_text(uint64_t rows, double seconds, double share, double run_share);

}  // namespace valence::jobs
