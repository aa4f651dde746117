// AVX-512 with VNNI and BF16: bf16 products two at a time.
#include "backend/cpu/avx512.h"

namespace valence::backend::cpu {
namespace {

// vdpbf16ps sums two exact products to fp32; subnormal values count as zero.
struct DotBf16 : FloatSums {
  static __m512i load_line(const char* line, int half) { return _mm512_loadu_si512(line + 64 * half); }
  static Sum add_dot(Sum sum, __m512 word, __m512i line) {
    return _mm512_dpbf16_ps(sum, as_bf16(_mm512_castps_si512(word)), as_bf16(line));
  }
  static __m512bh as_bf16(__m512i bits) { return __builtin_bit_cast(__m512bh, bits); }
};

void round_bf16(const float* x, int64_t count, uint16_t* words) {
  for (int64_t i = 0; i < count; i += Avx512::kLanes) {
    const int64_t n = count - i < Avx512::kLanes ? count - i : Avx512::kLanes;
    const __m256bh rounded = _mm512_cvtneps_pbh(Avx512::load_part(x + i, n));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(words + i), __builtin_bit_cast(__m256i, rounded));
  }
}

__m512i widened(const float* x) {
  return _mm512_cvtepu16_epi32(__builtin_bit_cast(__m256i, _mm512_cvtneps_pbh(_mm512_loadu_ps(x))));
}

void pair_bf16(float* panel, int64_t steps) {
  constexpr int kColumns = 32;
  float* out = panel;
  for (int64_t step = 0; step < steps; step += 2, out += kColumns) {
    const float* line = panel + step * kColumns;
    for (int half = 0; half < kColumns; half += Avx512::kLanes) {
      __m512i pair = widened(line + half);
      if (step + 1 < steps)
        pair = _mm512_or_si512(pair, _mm512_slli_epi32(widened(line + kColumns + half), 16));
      _mm512_storeu_si512(out + half, pair);
    }
  }
}

void bf16_peak(int64_t rounds) { VALENCE_AVX512_PEAK("vdpbf16ps %%zmm0, %%zmm1, %%zmm\\sum\n"); }

Kernels make_kernels() {
  Kernels k = avx512vnni_kernels();
  k.name = "avx512bf16";
  k.product_bf16 = product<DotBf16>;
  k.round_bf16 = round_bf16;
  k.pair_bf16 = pair_bf16;
  k.peak_bf16 = {bf16_peak, 24 * 32 * 2};
  return k;
}

}  // namespace

const Kernels& avx512bf16_kernels() {
  static const Kernels kernels = make_kernels();
  return kernels;
}

}  // namespace valence::backend::cpu
