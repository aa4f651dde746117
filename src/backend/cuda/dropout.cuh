// The choice of backend/dropout_hash.h for one value at a time.
#pragma once

#include "backend/dropout_hash.h"
#include "backend/training.h"

namespace valence::backend::cuda {

// 0 for a dropped value, 1 / (1 - rate) for the others.
__device__ inline float drop_factor(const Dropout& dropout, uint64_t place) {
  const bool drops = dropout_hash(dropout.key, place) < dropout_bound(dropout.rate);
  return drops ? 0.0f : 1.0f / (1.0f - dropout.rate);
}

}  // namespace valence::backend::cuda
