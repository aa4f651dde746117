// Reads a MatrixSource, whatever its type and alignment.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "tensor/nf4.h"

namespace valence::backend {

// Row `row` as fp32 [in_features].
void read_row(const MatrixSource& source, int64_t row, float* out);

// The whole matrix in 4 bits, blocks along its row-major order.
tensor::Nf4Values to_nf4(const MatrixSource& source);

// Those values as a source; they must outlive it.
MatrixSource nf4_source(const tensor::Nf4Values& values, int64_t out_features, int64_t in_features);

// A row of an int8 source as it is; returns its scale.
float copy_int8_row(const MatrixSource& source, int64_t row, int8_t* out);

// The 4-bit code of element `index` of the row-major order.
inline int nf4_code(const uint8_t* packed, int64_t index) {
  return index % 2 == 0 ? packed[index / 2] >> 4 : packed[index / 2] & 15;
}

}  // namespace valence::backend
