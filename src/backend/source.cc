#include "backend/source.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "tensor/floats.h"

namespace valence::backend {
namespace {

float row_scale(const MatrixSource& source, int64_t row) {
  float scale;
  std::memcpy(&scale, reinterpret_cast<const char*>(source.row_scales) + 4 * row, sizeof scale);
  return scale;
}

}  // namespace

void read_row(const MatrixSource& source, int64_t row, float* out) {
  const int64_t columns = source.in_features;
  const int64_t begin = row * columns;
  const size_t count = static_cast<size_t>(columns);
  switch (source.type) {
    case WeightType::kFp32:
      std::memcpy(out, reinterpret_cast<const char*>(source.fp32) + 4 * begin, 4 * count);
      return;
    case WeightType::kBf16: {
      const char* bytes = reinterpret_cast<const char*>(source.bf16) + 2 * begin;
      for (int64_t i = 0; i < columns; ++i) {
        uint16_t bits;
        std::memcpy(&bits, bytes + 2 * i, sizeof bits);
        out[i] = tensor::bf16_to_float(bits);
      }
      return;
    }
    case WeightType::kInt8: {
      const float scale = row_scale(source, row);
      for (int64_t i = 0; i < columns; ++i) out[i] = static_cast<float>(source.int8[begin + i]) * scale;
      return;
    }
    case WeightType::kNf4:
      tensor::dequantize_nf4(source.nf4, source.block_absmax, source.codebook, begin, columns, out);
      return;
  }
}

tensor::Nf4Values to_nf4(const MatrixSource& source) {
  const int64_t columns = source.in_features;
  tensor::Nf4Values all;
  // So many rows hold a whole number of blocks, whatever the columns.
  constexpr int64_t kRows = tensor::kNf4Block;
  std::vector<float> values(static_cast<size_t>(kRows * columns));
  for (int64_t begin = 0; begin < source.out_features; begin += kRows) {
    const int64_t rows = std::min(kRows, source.out_features - begin);
    for (int64_t r = 0; r < rows; ++r) read_row(source, begin + r, values.data() + r * columns);
    const tensor::Nf4Values part = tensor::quantize_nf4({values.data(), static_cast<size_t>(rows * columns)});
    all.packed.insert(all.packed.end(), part.packed.begin(), part.packed.end());
    all.absmax.insert(all.absmax.end(), part.absmax.begin(), part.absmax.end());
  }
  return all;
}

MatrixSource nf4_source(const tensor::Nf4Values& values, int64_t out_features, int64_t in_features) {
  MatrixSource source;
  source.type = WeightType::kNf4;
  source.out_features = out_features;
  source.in_features = in_features;
  source.nf4 = values.packed.data();
  source.block_absmax = values.absmax.data();
  source.codebook = tensor::kNf4Codebook.data();
  return source;
}

float copy_int8_row(const MatrixSource& source, int64_t row, int8_t* out) {
  std::memcpy(out, source.int8 + row * source.in_features, static_cast<size_t>(source.in_features));
  return row_scale(source, row);
}

}  // namespace valence::backend
