// Which values a dropout drops: a hash of its key and the value's place.
#pragma once

#include <cstdint>

namespace valence::backend::cpu {

// The finalizer of MurmurHash3 (Appleby): each bit of the result depends on each bit of the input.
inline uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDULL;
  x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return x ^ (x >> 33);
}

// Factors of a row of values: 0 for a dropped one, 1 / (1 - rate) for the others.
class DropFactors {
 public:
  DropFactors(float rate, uint64_t key)
      : key_(key), bound_(static_cast<uint32_t>(rate * 4294967296.0)), factor_(1.0f / (1.0f - rate)) {}

  // values [count] times the factors of the places from `first` on, which is even: two share a hash.
  void apply(uint64_t first, const float* values, int64_t count, float* out) const {
    for (int64_t i = 0; i < count; i += 2) {
      const uint64_t pair = (first + static_cast<uint64_t>(i)) / 2 + 1;
      const uint64_t hash = mixed(key_ + 0x9E3779B97F4A7C15ULL * pair);
      out[i] = static_cast<uint32_t>(hash) < bound_ ? 0.0f : values[i] * factor_;
      if (i + 1 < count)
        out[i + 1] = static_cast<uint32_t>(hash >> 32) < bound_ ? 0.0f : values[i + 1] * factor_;
    }
  }

 private:
  uint64_t key_;
  uint32_t bound_;
  float factor_;
};

}  // namespace valence::backend::cpu
