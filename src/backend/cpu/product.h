// Products of matrices that change from step to step, or are stored in fewer bits than they are multiplied
// in.
#pragma once

#include "backend/cpu/aligned.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/workers.h"
#include "backend/training.h"

namespace valence::backend::cpu {

// Memory for the left matrix in another form, kept between calls.
struct LeftForms {
  AlignedArray<float> turned;
  AlignedArray<float> words;  // pairs of bf16
};

void multiply_matrices(const Kernels& kernels, const Product& product, LeftForms& left, Workers& workers);

}  // namespace valence::backend::cpu
