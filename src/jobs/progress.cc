#include "jobs/progress.h"

#include <algorithm>
#include <cstdio>

#include "jobs/summary.h"

namespace valence::jobs {

std::string progress_text(uint64_t rows, double seconds, double share, double run_share) {
  const double rate = static_cast<double>(rows) / std::max(seconds, 1e-3);
  std::string text = with_commas(rows) + " rows, " + with_commas(static_cast<uint64_t>(rate)) + " rows/s";
  if (share <= 0 || run_share <= 0) return text;
  text += ", " + std::to_string(static_cast<int>(100 * std::min(share, 1.0))) + "%";
  const double left = seconds * std::max(0.0, 1 - share) / run_share;
  return seconds < 1 ? text : text + ", " + duration(left) + " left";
}

void Progress::update(uint64_t rows, uint64_t bytes_taken, uint64_t bytes_total) {
  if (!shown_) return;
  if (!begun_) {
    first_bytes_ = bytes_taken;
    begun_ = true;
  }
  const Clock::time_point now = Clock::now();
  if (now < next_ || rows == 0) return;
  next_ = now + std::chrono::milliseconds(200);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const auto total = static_cast<double>(bytes_total);
  const double share = bytes_total > 0 ? static_cast<double>(bytes_taken) / total : 0;
  const double run_share = bytes_total > 0 ? static_cast<double>(bytes_taken - first_bytes_) / total : 0;
  const std::string text = progress_text(rows, seconds, share, run_share);
  std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace valence::jobs
