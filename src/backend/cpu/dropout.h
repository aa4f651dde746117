// Dropout of rows of values.
#pragma once

#include <cstdint>

#include "backend/dropout_hash.h"

namespace valence::backend::cpu {

// Factors of a row of values: 0 for a dropped one, 1 / (1 - rate) for the others.
class DropFactors {
 public:
  DropFactors(float rate, uint64_t key)
      : key_(key), bound_(dropout_bound(rate)), factor_(1.0f / (1.0f - rate)) {}

  // values [count] times the factors of the places from `first` on, which is even: two share a hash.
  void apply(uint64_t first, const float* values, int64_t count, float* out) const {
    for (int64_t i = 0; i < count; i += 2) {
      const uint64_t hash = dropout_hash(key_, (first + static_cast<uint64_t>(i)) / 2);
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
