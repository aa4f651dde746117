// Dropout of rows of values.
#pragma once

#include <cstdint>

#include "backend/cpu/kernels.h"
#include "backend/dropout_hash.h"

namespace valence::backend::cpu {

// Factors of a row of values: 0 for a dropped one, 1 / (1 - rate) for the others.
class DropFactors {
 public:
  DropFactors(const Kernels& kernels, float rate, uint64_t key)
      : kernels_(kernels), key_(key), bound_(dropout_bound(rate)), factor_(1.0f / (1.0f - rate)) {}

  // values [count] times the factors of the places from `first` on, whose upper 32 bits are those of the
  // first.
  void apply(uint64_t first, const float* values, int64_t count, float* out) const {
    const uint64_t key = dropout_key_of(key_, first);
    kernels_.drop_row(values, count,
                      {static_cast<uint32_t>(first), static_cast<uint32_t>(key),
                       static_cast<uint32_t>(key >> 32), bound_, factor_},
                      out);
  }

 private:
  const Kernels& kernels_;
  uint64_t key_;
  uint32_t bound_;
  float factor_;
};

}  // namespace valence::backend::cpu
