#include "tensor/int8.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace valence::tensor {
namespace {

// Below this the reciprocal of the scale overflows; such a row is as good as zero.
constexpr float kSmallestAbsmax = 1e-35f;

}  // namespace

float quantize_row_int8(const float* values, int64_t columns, int8_t* quantized) {
  float absmax = 0;
  bool finite = true;
  for (int64_t i = 0; i < columns; ++i) {
    finite = finite && std::isfinite(values[i]);
    absmax = std::max(absmax, std::fabs(values[i]));
  }
  if (!finite || absmax < kSmallestAbsmax) {
    std::fill_n(quantized, columns, static_cast<int8_t>(0));
    return finite ? 0.0f : std::numeric_limits<float>::quiet_NaN();
  }
  const float inverse = 127.0f / absmax;
  for (int64_t i = 0; i < columns; ++i) {
    quantized[i] = static_cast<int8_t>(std::lrintf(values[i] * inverse));
  }
  return absmax / 127.0f;
}

void quantize_rows_int8(const float* values, int64_t rows, int64_t columns, int8_t* quantized,
                        float* scales) {
  for (int64_t r = 0; r < rows; ++r) {
    scales[r] = quantize_row_int8(values + r * columns, columns, quantized + r * columns);
  }
}

}  // namespace valence::tensor
