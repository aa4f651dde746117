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

PairLengths longest_first(int64_t first, int64_t second, int64_t capacity) {
  if (first + second <= capacity) return {first, second};
  const int64_t shorter = std::min(first, second);
  // Where both are cut, the shorter one gets the smaller half.
  const int64_t less = 2 * shorter <= capacity ? shorter : capacity / 2;
  const int64_t more = capacity - less;
  return first > second ? PairLengths{more, less} : PairLengths{less, more};
}

}  // namespace valence::pipeline
