// Self-attention of packed sequences, head by head.
#pragma once

#include <cstdint>
#include <span>

#include "backend/cpu/kernels.h"
#include "backend/cpu/workers.h"

namespace valence::backend::cpu {

// Shapes as Backend::attention has them.
void attention(const Kernels& kernels, const float* qkv, std::span<const int32_t> cumulative_lengths,
               int heads, int head_dim, float* output, Workers& workers);

}  // namespace valence::backend::cpu
