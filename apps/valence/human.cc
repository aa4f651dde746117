#include "human.h"

#include <cstdio>

namespace valence::app {
namespace {

std::string scaled(uint64_t bytes, double step, const char* const (&units)[5]) {
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (unit < 4 && value >= step) value /= step, ++unit;
  const bool whole = unit == 0 || value >= 100 || value == static_cast<double>(static_cast<uint64_t>(value));
  return fixed(value, whole ? 0 : 1) + " " + units[unit];
}

}  // namespace

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string human_bytes(uint64_t bytes) { return scaled(bytes, 1000, {"B", "kB", "MB", "GB", "TB"}); }

std::string human_memory(uint64_t bytes) { return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB"}); }

std::string count_of(int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace valence::app
