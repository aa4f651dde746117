// Dense products on packed weights.
#pragma once

#include <cstdint>

#include "backend/cpu/packed.h"
#include "backend/cpu/workers.h"

namespace valence::backend::cpu {

// Memory for the left matrix in the words of the kernels, kept between calls.
struct LeftMatrix {
  AlignedArray<int32_t> words;
  AlignedArray<float> scales;
};

void linear(const PackedLinear& weight, const float* x, int64_t rows, const Epilogue& epilogue, float* y,
            LeftMatrix& left, Workers& workers);

}  // namespace valence::backend::cpu
