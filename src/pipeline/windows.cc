#include "pipeline/windows.h"

#include <algorithm>

namespace valence::pipeline {

std::vector<Window> windows_of(int64_t tokens, int64_t capacity) {
  if (tokens <= capacity) return {{0, tokens}};
  const int64_t longest_step = std::max<int64_t>(1, capacity - (capacity + 3) / 4);
  const int64_t beyond = tokens - capacity;
  const int64_t steps = (beyond + longest_step - 1) / longest_step;
  std::vector<Window> windows;
  for (int64_t k = 0; k <= steps; ++k) windows.push_back({beyond * k / steps, capacity});
  return windows;
}

}  // namespace valence::pipeline
