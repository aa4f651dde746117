// The choice of backend/dropout_hash.h for one value at a time.
#pragma once

#include "backend/dropout_hash.h"
#include "backend/training.h"

namespace valence::backend::cuda {

// 0 for a dropped value, 1 / (1 - rate) for the others.
__device__ inline float drop_factor(const Dropout& dropout, uint64_t place) {
  const uint64_t hash = dropout_hash(dropout.key, place / 2);
  const auto half = static_cast<uint32_t>(place % 2 == 0 ? hash : hash >> 32);
  return half < dropout_bound(dropout.rate) ? 0.0f : 1.0f / (1.0f - dropout.rate);
}

}  // namespace valence::backend::cuda
