// The kernels, written once over a vector type. `Isa` is a struct in the unnamed namespace of the including
// kernels_ISA.cc: it names the registers and wraps one intrinsic a function. Its linkage being internal, so
// is that of every function here: no code built with an ISA's flags can be picked by the linker for another
// file. For the same reason nothing of the standard library is called.
#pragma once

#include <cstdint>

#include "backend/cpu/kernels.h"
#include "backend/cpu/vector_functions.h"
#include "backend/cpu/vector_products.h"
#include "backend/dropout_hash.h"

namespace valence::backend::cpu {

// ---- Activations

template <class Isa>
void activate_row(Activation activation, const float* x, int64_t count, float* y) {
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    Isa::store_part(y + i, activate<Isa>(activation, Isa::load_part(x + i, n)), n);
  }
}

template <class Isa>
void activate_backward_row(Activation activation, const float* x, int64_t count, float* d_y) {
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    const auto slope = derivative<Isa>(activation, Isa::load_part(x + i, n));
    Isa::store_part(d_y + i, Isa::mul(Isa::load_part(d_y + i, n), slope), n);
  }
}

// ---- Types

template <class Isa>
float quantize_row(const float* x, int64_t count, uint8_t* bytes) {
  auto largest = Isa::abs_bits(Isa::set(0.0f));
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    largest = Isa::max_int(largest, Isa::abs_bits(Isa::load_part(x + i, n)));
  }
  // As integers the magnitudes order like the floats, infinity and then NaN above all.
  const int32_t bits = Isa::largest_int(largest);
  const bool finite = bits < 0x7F800000;
  float absmax = 0;
  __builtin_memcpy(&absmax, &bits, sizeof absmax);
  const bool usable = finite && absmax >= 1e-35f;
  const float inverse = usable ? 127.0f / absmax : 0.0f;
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    const auto value = usable ? Isa::mul(Isa::load_part(x + i, n), Isa::set(inverse)) : Isa::set(0.0f);
    Isa::store_quantized(bytes + i, value);
  }
  return usable ? absmax / 127.0f : finite ? 0.0f : __builtin_nanf("");
}

template <class Isa>
void expand_bf16(const uint16_t* panel, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += Isa::kLanes) Isa::store(out + i, Isa::load_bf16(panel + i));
}

template <class Isa>
void expand_int8(const int8_t* panel, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += Isa::kLanes) Isa::store(out + i, Isa::load_int8(panel + i));
}

template <class Isa>
void expand_nf4(const uint8_t* panel, const float* scales, const float* codebook, int64_t steps, float* out) {
  constexpr int lanes = Isa::kLanes;
  const auto table = Isa::load_table(codebook);
  const auto low_scale = Isa::load(scales), high_scale = Isa::load(scales + lanes);
  for (int64_t step = 0; step < steps; ++step) {
    const auto bytes = Isa::load_bytes(panel + step * lanes);
    Isa::store(out, Isa::mul(Isa::low_nibbles(table, bytes), low_scale));
    Isa::store(out + lanes, Isa::mul(Isa::high_nibbles(table, bytes), high_scale));
    out += 2 * lanes;
  }
}

template <class Isa>
void expand_nf4_row(const uint8_t* packed, float scale, const float* codebook, int64_t count, float* out) {
  constexpr int lanes = Isa::kLanes;
  const auto table = Isa::load_table(codebook);
  const auto factor = Isa::set(scale);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    Isa::store(out + i, Isa::mul(Isa::low_nibbles(table, Isa::load_nibbles(packed + i / 2)), factor));
  }
  for (; i < count; ++i) out[i] = codebook[i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15] * scale;
}

// ---- Rows

// Sum of op(x[i]) in four interleaved partial sums, in an order that depends on count alone.
template <class Isa, class Op>
float sum_row(const float* x, int64_t count, Op op) {
  using F = typename Isa::F;
  constexpr int lanes = Isa::kLanes;
  F sum[4] = {Isa::set(0.0f), Isa::set(0.0f), Isa::set(0.0f), Isa::set(0.0f)};
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sum[j] = Isa::add(sum[j], op(Isa::load(x + i + j * lanes)));
  }
  for (; i + lanes <= count; i += lanes) sum[0] = Isa::add(sum[0], op(Isa::load(x + i)));
  if (i < count) sum[1] = Isa::add(sum[1], Isa::keep_part(op(Isa::load_part(x + i, count - i)), count - i));
  return Isa::sum(Isa::add(Isa::add(sum[0], sum[1]), Isa::add(sum[2], sum[3])));
}

// What a row is normalized by.
struct Moments {
  float mean, scale;
};

template <class Isa>
Moments moments_of_row(const float* x, int64_t count, float epsilon) {
  using F = typename Isa::F;
  const float mean = sum_row<Isa>(x, count, [](F v) { return v; }) / static_cast<float>(count);
  const F centre = Isa::set(mean);
  const float squares = sum_row<Isa>(x, count, [centre](F v) {
    const F d = Isa::sub(v, centre);
    return Isa::mul(d, d);
  });
  return {mean, 1.0f / __builtin_sqrtf(squares / static_cast<float>(count) + epsilon)};
}

template <class Isa>
void layer_norm_row(float* x, int64_t count, const float* gamma, const float* beta, float epsilon) {
  using F = typename Isa::F;
  const Moments moments = moments_of_row<Isa>(x, count, epsilon);
  const F centre = Isa::set(moments.mean), scale = Isa::set(moments.scale);
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    const F normal = Isa::mul(Isa::sub(Isa::load_part(x + i, n), centre), scale);
    Isa::store_part(x + i, Isa::fma(normal, Isa::load_part(gamma + i, n), Isa::load_part(beta + i, n)), n);
  }
}

template <class Isa>
float normalize_row(float* x, int64_t count, float epsilon) {
  using F = typename Isa::F;
  const Moments moments = moments_of_row<Isa>(x, count, epsilon);
  const F centre = Isa::set(moments.mean), scale = Isa::set(moments.scale);
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    Isa::store_part(x + i, Isa::mul(Isa::sub(Isa::load_part(x + i, n), centre), scale), n);
  }
  return moments.scale;
}

// With g = d_y gamma and the means over the row: d_x = scale (g - mean g - normal mean(g normal)).
template <class Isa>
void layer_norm_backward_row(const float* d_y, const float* normal, float scale, const float* gamma,
                             int64_t count, float* d_x) {
  using F = typename Isa::F;
  F sum = Isa::set(0.0f), dot = Isa::set(0.0f);
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    const F g = Isa::mul(Isa::load_part(d_y + i, n), Isa::load_part(gamma + i, n));
    sum = Isa::add(sum, Isa::keep_part(g, n));
    dot = Isa::add(dot, Isa::keep_part(Isa::mul(g, Isa::load_part(normal + i, n)), n));
  }
  const F mean = Isa::set(Isa::sum(sum) / static_cast<float>(count));
  const F slope = Isa::set(Isa::sum(dot) / static_cast<float>(count));
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    const F g = Isa::mul(Isa::load_part(d_y + i, n), Isa::load_part(gamma + i, n));
    const F rest = Isa::fma(Isa::load_part(normal + i, n), slope, mean);
    Isa::store_part(d_x + i, Isa::mul(Isa::sub(g, rest), Isa::set(scale)), n);
  }
}

template <class Isa>
float softmax_row(float* scores, int64_t count, float scale, SoftmaxState& state) {
  using F = typename Isa::F;
  constexpr int lanes = Isa::kLanes;
  F largest = Isa::set(scores[0]);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) largest = Isa::max(largest, Isa::load(scores + i));
  float maximum = Isa::largest(largest);
  for (; i < count; ++i) maximum = scores[i] > maximum ? scores[i] : maximum;
  maximum *= scale;
  if (state.maximum > maximum) maximum = state.maximum;
  const F shift = Isa::set(-maximum), factor = Isa::set(scale);
  F sum = Isa::set(0.0f);
  for (i = 0; i < count; i += lanes) {
    const int64_t n = count - i < lanes ? count - i : lanes;
    const F p = exp<Isa>(Isa::fma(Isa::load_part(scores + i, n), factor, shift));
    sum = Isa::add(sum, Isa::keep_part(p, n));
    Isa::store_part(scores + i, p, n);
  }
  const float correction = Isa::first(exp<Isa>(Isa::set(state.maximum - maximum)));
  state.sum = state.sum * correction + Isa::sum(sum);
  state.maximum = maximum;
  return correction;
}

template <class Isa>
void exp_row(float* x, int64_t count, float scale, float shift) {
  const auto factor = Isa::set(scale), minus = Isa::set(-shift);
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    Isa::store_part(x + i, exp<Isa>(Isa::fma(Isa::load_part(x + i, n), factor, minus)), n);
  }
}

template <class Isa>
void softmax_backward_row(const float* p, int64_t count, float dot, float scale, float* d) {
  const auto factor = Isa::set(scale), mean = Isa::set(dot);
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    const auto share = Isa::mul(Isa::load_part(p + i, n), factor);
    Isa::store_part(d + i, Isa::mul(share, Isa::sub(Isa::load_part(d + i, n), mean)), n);
  }
}

// dropout_hash() of as many places as there are lanes.
template <class Isa>
void drop_row(const float* x, int64_t count, const DropRow& row, float* y) {
  const auto low = Isa::set_int(row.key_low), high = Isa::set_int(row.key_high);
  const auto first = Isa::set_int(kDropoutFirst), second = Isa::set_int(kDropoutSecond);
  const auto bound = Isa::set_int(row.bound), step = Isa::set_int(kDropoutStep * Isa::kLanes);
  const auto factor = Isa::set(row.factor);
  auto place =
      Isa::mul_int(Isa::add_int(Isa::set_int(row.first), Isa::lane_numbers()), Isa::set_int(kDropoutStep));
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    auto hash = Isa::xor_int(place, low);
    hash = Isa::mul_int(Isa::xor_int(hash, Isa::template shift_right<16>(hash)), first);
    hash = Isa::add_int(Isa::xor_int(hash, Isa::template shift_right<13>(hash)), high);
    hash = Isa::mul_int(hash, second);
    hash = Isa::xor_int(hash, Isa::template shift_right<16>(hash));
    const auto scaled = Isa::mul(Isa::load_part(x + i, n), factor);
    Isa::store_part(y + i, Isa::zero_below(hash, bound, scaled), n);
    place = Isa::add_int(place, step);
  }
}

template <class Isa>
void scale_row(float* y, int64_t count, float factor) {
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    const int64_t n = count - i < Isa::kLanes ? count - i : Isa::kLanes;
    Isa::store_part(y + i, Isa::mul(Isa::load_part(y + i, n), Isa::set(factor)), n);
  }
}

// ---- Rows that lie anywhere

template <class Isa>
void dot_rows(const float* x, const float* const* rows, int64_t count, int64_t dim, float* y) {
  for (int64_t k = 0; k < count; ++k) {
    auto sum = Isa::set(0.0f);
    for (int64_t i = 0; i < dim; i += Isa::kLanes) {
      const int64_t n = dim - i < Isa::kLanes ? dim - i : Isa::kLanes;
      sum = Isa::fma(Isa::load_part(x + i, n), Isa::load_part(rows[k] + i, n), sum);  // zeros behind n
    }
    y[k] = Isa::sum(sum);
  }
}

template <class Isa>
void combine_rows(const float* weights, const float* const* rows, int64_t count, int64_t dim, float* y) {
  for (int64_t i = 0; i < dim; i += Isa::kLanes) {
    const int64_t n = dim - i < Isa::kLanes ? dim - i : Isa::kLanes;
    auto sum = Isa::set(0.0f);
    for (int64_t k = 0; k < count; ++k) {
      sum = Isa::fma(Isa::set(weights[k]), Isa::load_part(rows[k] + i, n), sum);
    }
    Isa::store_part(y + i, sum, n);
  }
}

// A table with everything but the products.
template <class Isa>
void fill_row_kernels(Kernels& k) {
  k.finish = finish<Isa>;
  k.quantize_row = quantize_row<Isa>;
  k.expand_bf16 = expand_bf16<Isa>;
  k.expand_int8 = expand_int8<Isa>;
  k.expand_nf4 = expand_nf4<Isa>;
  k.expand_nf4_row = expand_nf4_row<Isa>;
  k.layer_norm_row = layer_norm_row<Isa>;
  k.normalize_row = normalize_row<Isa>;
  k.layer_norm_backward_row = layer_norm_backward_row<Isa>;
  k.activate_row = activate_row<Isa>;
  k.activate_backward_row = activate_backward_row<Isa>;
  k.softmax_row = softmax_row<Isa>;
  k.exp_row = exp_row<Isa>;
  k.drop_row = drop_row<Isa>;
  k.softmax_backward_row = softmax_backward_row<Isa>;
  k.scale_row = scale_row<Isa>;
  k.dot_rows = dot_rows<Isa>;
  k.combine_rows = combine_rows<Isa>;
}

}  // namespace valence::backend::cpu
