// Products of matrices that change from step to step, or are stored in fewer bits than they are multiplied
// in.
#pragma once

#include "backend/cpu/aligned.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/workers.h"
#include "backend/training.h"

namespace valence::backend::cpu {

// `left` is memory for a transposed left matrix, kept between calls.
void multiply_matrices(const Kernels& kernels, const Product& product, AlignedArray<float>& left,
                       Workers& workers);

}  // namespace valence::backend::cpu
