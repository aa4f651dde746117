// The plain reference that every other instruction set is tested against, and what runs where there is none.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/cpu/kernels.h"
#include "backend/dropout_hash.h"
#include "tensor/floats.h"
#include "tensor/int8.h"

namespace valence::backend::cpu {
namespace {

constexpr int kColumns = 8, kRows = 4;

template <bool turned>
void product_fp32(int rows, const Tile& tile) {
  const float* panel = static_cast<const float*>(tile.panel);
  const int64_t row_stride = turned ? 1 : tile.a_stride, step_stride = turned ? tile.a_stride : 1;
  for (int r = 0; r < rows; ++r) {
    const float* a = static_cast<const float*>(tile.a) + r * row_stride;
    float* c = tile.c + r * tile.c_stride;
    float sum[kColumns] = {};
    if (tile.resume) std::memcpy(sum, c, sizeof sum);
    for (int64_t step = 0; step < tile.steps; ++step) {
      for (int j = 0; j < kColumns; ++j) sum[j] += a[step * step_stride] * panel[step * kColumns + j];
    }
    std::memcpy(c, sum, sizeof sum);
  }
}

void product_int8(int rows, const Tile& tile) {
  const int8_t* panel = static_cast<const int8_t*>(tile.panel);
  for (int r = 0; r < rows; ++r) {
    const uint8_t* a = static_cast<const uint8_t*>(tile.a) + 4 * r * tile.a_stride;
    float* c = tile.c + r * tile.c_stride;
    int32_t sum[kColumns] = {};
    if (tile.resume) std::memcpy(sum, c, sizeof sum);
    for (int64_t step = 0; step < tile.steps; ++step) {
      for (int j = 0; j < kColumns; ++j) {
        const int8_t* four = panel + (step * kColumns + j) * 4;
        for (int i = 0; i < 4; ++i) sum[j] += a[4 * step + i] * four[i];
      }
    }
    std::memcpy(c, sum, sizeof sum);
  }
}

float activate(Activation activation, float x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kGelu:
      return 0.5f * x * (1.0f + std::erf(x * 0.707106781f));
    case Activation::kGeluTanh:
      return 0.5f * x * (1.0f + std::tanh(0.797884561f * (x + 0.044715f * x * x * x)));
    case Activation::kRelu:
      return x < 0 ? 0.0f : x;
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSilu:
      return x / (1.0f + std::exp(std::min(-x, 88.3f)));
  }
  return x;
}

float derivative(Activation activation, float x) {
  switch (activation) {
    case Activation::kNone:
      return 1;
    case Activation::kGelu:
      return 0.5f * (1.0f + std::erf(x * 0.707106781f)) + x * 0.398942280f * std::exp(-0.5f * x * x);
    case Activation::kGeluTanh: {
      const float t = std::tanh(0.797884561f * (x + 0.044715f * x * x * x));
      return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * 0.797884561f * (1.0f + 0.134145f * x * x);
    }
    case Activation::kRelu:
      return x > 0 ? 1.0f : 0.0f;
    case Activation::kTanh: {
      const float t = std::tanh(x);
      return 1.0f - t * t;
    }
    case Activation::kSilu: {
      const float s = 1.0f / (1.0f + std::exp(std::min(-x, 88.3f)));
      return s * (1.0f + x * (1.0f - s));
    }
  }
  return 1;
}

void activate_row(Activation activation, const float* x, int64_t count, float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = activate(activation, x[i]);
}

void activate_backward_row(Activation activation, const float* x, int64_t count, float* d_y) {
  for (int64_t i = 0; i < count; ++i) d_y[i] *= derivative(activation, x[i]);
}

void finish(const Finish& f) {
  for (int r = 0; r < f.rows; ++r) {
    float* y = f.y + r * f.stride;
    for (int64_t i = 0; i < f.count; ++i) {
      float value = y[i];
      if (f.column_scales) {
        const int32_t sum = std::bit_cast<int32_t>(value) - f.compensation[i];
        value = static_cast<float>(sum) * (f.row_scales[r] * f.column_scales[i]);
      }
      if (f.bias) value += f.bias[i];
      if (f.addend) value += f.addend[r * f.stride + i];
      value = activate(f.activation, value);
      if (f.residual) value += f.residual[r * f.stride + i];
      y[i] = value;
    }
  }
}

float quantize_row(const float* x, int64_t count, uint8_t* bytes) {
  int8_t* values = reinterpret_cast<int8_t*>(bytes);
  const float scale = tensor::quantize_row_int8(x, count, values);
  for (int64_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(values[i] + 128);
  return scale;
}

void expand_bf16(const uint16_t* panel, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = tensor::bf16_to_float(panel[i]);
}

void expand_int8(const int8_t* panel, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = panel[i];
}

void expand_nf4(const uint8_t* panel, const float* scales, const float* codebook, int64_t steps, float* out) {
  constexpr int half = kColumns / 2;
  for (int64_t step = 0; step < steps; ++step) {
    for (int j = 0; j < half; ++j) {
      const uint8_t pair = panel[step * half + j];
      out[step * kColumns + j] = codebook[pair & 15] * scales[j];
      out[step * kColumns + half + j] = codebook[pair >> 4] * scales[half + j];
    }
  }
}

void expand_nf4_row(const uint8_t* packed, float scale, const float* codebook, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    out[i] = codebook[i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15] * scale;
  }
}

float normalize_row(float* x, int64_t count, float epsilon) {
  float sum = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) sum += x[i];
  const float mean = sum / static_cast<float>(count);
  for (int64_t i = 0; i < count; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const float scale = 1.0f / std::sqrt(squares / static_cast<float>(count) + epsilon);
  for (int64_t i = 0; i < count; ++i) x[i] = (x[i] - mean) * scale;
  return scale;
}

void layer_norm_row(float* x, int64_t count, const float* gamma, const float* beta, float epsilon) {
  normalize_row(x, count, epsilon);
  for (int64_t i = 0; i < count; ++i) x[i] = x[i] * gamma[i] + beta[i];
}

void layer_norm_backward_row(const float* d_y, const float* normal, float scale, const float* gamma,
                             int64_t count, float* d_x) {
  float sum = 0, dot = 0;
  for (int64_t i = 0; i < count; ++i) {
    sum += d_y[i] * gamma[i];
    dot += d_y[i] * gamma[i] * normal[i];
  }
  const float mean = sum / static_cast<float>(count), slope = dot / static_cast<float>(count);
  for (int64_t i = 0; i < count; ++i) d_x[i] = scale * (d_y[i] * gamma[i] - mean - normal[i] * slope);
}

float softmax_row(float* scores, int64_t count, float scale, SoftmaxState& state) {
  float maximum = state.maximum;
  for (int64_t i = 0; i < count; ++i) maximum = scores[i] * scale > maximum ? scores[i] * scale : maximum;
  float sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    scores[i] = std::exp(scores[i] * scale - maximum);
    sum += scores[i];
  }
  const float correction = std::exp(state.maximum - maximum);
  state.sum = state.sum * correction + sum;
  state.maximum = maximum;
  return correction;
}

void exp_row(float* x, int64_t count, float scale, float shift) {
  for (int64_t i = 0; i < count; ++i) x[i] = std::exp(std::min(x[i] * scale - shift, 88.3f));
}

void softmax_backward_row(const float* p, int64_t count, float dot, float scale, float* d) {
  for (int64_t i = 0; i < count; ++i) d[i] = p[i] * scale * (d[i] - dot);
}

void drop_row(const float* x, int64_t count, const DropRow& row, float* y) {
  const uint64_t key = (static_cast<uint64_t>(row.key_high) << 32) + row.key_low;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t place = row.first + static_cast<uint32_t>(i);
    y[i] = dropout_hash(key, place) < row.bound ? 0.0f : x[i] * row.factor;
  }
}

void scale_row(float* y, int64_t count, float factor) {
  for (int64_t i = 0; i < count; ++i) y[i] *= factor;
}

void dot_rows(const float* x, const float* const* rows, int64_t count, int64_t dim, float* y) {
  for (int64_t k = 0; k < count; ++k) {
    float sum = 0;
    for (int64_t i = 0; i < dim; ++i) sum += x[i] * rows[k][i];
    y[k] = sum;
  }
}

void combine_rows(const float* weights, const float* const* rows, int64_t count, int64_t dim, float* y) {
  for (int64_t i = 0; i < dim; ++i) y[i] = 0;
  for (int64_t k = 0; k < count; ++k) {
    for (int64_t i = 0; i < dim; ++i) y[i] += weights[k] * rows[k][i];
  }
}

// Sixteen independent sums; the compiler may use what vectors the baseline has.
void fp32_peak(int64_t rounds) {
  float sums[16] = {}, factor = 0.5f;
  for (int64_t round = 0; round < rounds; ++round) {
    for (float& sum : sums) sum = sum * factor + factor;
    asm volatile("" : "+m"(factor));
  }
  asm volatile("" : : "m"(sums));
}

void int8_peak(int64_t rounds) {
  int32_t sums[16] = {};
  int16_t factor = 3;
  for (int64_t round = 0; round < rounds; ++round) {
    for (int32_t& sum : sums) sum += factor * static_cast<int16_t>(round);
    asm volatile("" : "+m"(factor));
  }
  asm volatile("" : : "m"(sums));
}

}  // namespace

const Kernels& scalar_kernels() {
  static const Kernels kernels = [] {
    Kernels k;
    k.name = "scalar";
    k.columns = kColumns;
    k.rows = kRows;
    k.steps = 256;
    k.product_fp32 = product_fp32<false>;
    k.product_turned_fp32 = product_fp32<true>;
    k.product_int8 = product_int8;
    k.peak_fp32 = k.peak_bf16 = k.peak_int8 = {fp32_peak, 16 * 2};
    k.peak_int8.run = int8_peak;
    k.finish = finish;
    k.quantize_row = quantize_row;
    k.expand_bf16 = expand_bf16;
    k.expand_int8 = expand_int8;
    k.expand_nf4 = expand_nf4;
    k.expand_nf4_row = expand_nf4_row;
    k.layer_norm_row = layer_norm_row;
    k.normalize_row = normalize_row;
    k.layer_norm_backward_row = layer_norm_backward_row;
    k.activate_row = activate_row;
    k.activate_backward_row = activate_backward_row;
    k.softmax_row = softmax_row;
    k.exp_row = exp_row;
    k.drop_row = drop_row;
    k.softmax_backward_row = softmax_backward_row;
    k.scale_row = scale_row;
    k.dot_rows = dot_rows;
    k.combine_rows = combine_rows;
    return k;
  }();
  return kernels;
}

}  // namespace valence::backend::cpu
