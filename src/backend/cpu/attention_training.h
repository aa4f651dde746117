// Attention forward and backward for training (backend/training.h).
#pragma once

#include "backend/cpu/kernels.h"
#include "backend/cpu/workers.h"
#include "backend/training.h"

namespace valence::backend::cpu {

void attention_forward(const Kernels& kernels, const AttentionShape& shape, const float* query,
                       const float* key_value, float* output, float* log_sums, Workers& workers);
void attention_backward(const Kernels& kernels, const AttentionShape& shape, const float* query,
                        const float* key_value, const float* output, const float* log_sums,
                        const float* d_output, float* d_query, float* d_key_value, Workers& workers);

}  // namespace valence::backend::cpu
