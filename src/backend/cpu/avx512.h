// The vector type of the three AVX-512 files: sixteen fp32 a register, 12 x 32 tiles (24 accumulators of 32
// registers). In the unnamed namespace: see kernels_vector.h.
#pragma once

#include <immintrin.h>

#include "backend/cpu/kernels_vector.h"

namespace valence::backend::cpu {
namespace {

struct Avx512 {
  using F = __m512;
  using I = __m512i;
  static constexpr int kLanes = 16;

  static F set(float x) { return _mm512_set1_ps(x); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, F v) { _mm512_storeu_ps(p, v); }
  static __mmask16 first_lanes(int64_t n) { return static_cast<__mmask16>((1u << n) - 1); }
  static F load_part(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
  static void store_part(float* p, F v, int64_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), v); }
  static F keep_part(F v, int64_t n) { return _mm512_maskz_mov_ps(first_lanes(n), v); }

  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F round(F v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static I bits(F v) { return _mm512_castps_si512(v); }
  static F from_bits(I v) { return _mm512_castsi512_ps(v); }
  static I sign_bits() { return _mm512_set1_epi32(INT32_MIN); }
  static F abs(F v) { return from_bits(_mm512_andnot_si512(sign_bits(), bits(v))); }
  static F copysign(F magnitude, F sign) {
    return from_bits(_mm512_or_si512(_mm512_andnot_si512(sign_bits(), bits(magnitude)),
                                     _mm512_and_si512(sign_bits(), bits(sign))));
  }
  static F select_greater(F a, F b, F yes, F no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), no, yes);
  }
  static F power_of_two(F n) {
    return from_bits(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
  }

  static float first(F v) { return _mm512_cvtss_f32(v); }
  static float sum(F v) { return _mm512_reduce_add_ps(v); }
  static float largest(F v) { return _mm512_reduce_max_ps(v); }

  static I set_int(uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
  static I lane_numbers() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
  static I add_int(I a, I b) { return _mm512_add_epi32(a, b); }
  static I mul_int(I a, I b) { return _mm512_mullo_epi32(a, b); }
  static I xor_int(I a, I b) { return _mm512_xor_si512(a, b); }
  template <int bits>
  static I shift_right(I v) {
    return _mm512_srli_epi32(v, bits);
  }
  // v, or 0 where x < bound, both without a sign.
  static F zero_below(I x, I bound, F v) { return _mm512_maskz_mov_ps(_mm512_cmpge_epu32_mask(x, bound), v); }

  static I abs_bits(F v) { return bits(abs(v)); }
  static I max_int(I a, I b) { return _mm512_max_epi32(a, b); }
  static int32_t largest_int(I v) { return _mm512_reduce_max_epi32(v); }
  static F int_difference(const float* sums, const int32_t* minus, int64_t n) {
    const __mmask16 mask = first_lanes(n);
    return _mm512_cvtepi32_ps(
        _mm512_sub_epi32(_mm512_maskz_loadu_epi32(mask, sums), _mm512_maskz_loadu_epi32(mask, minus)));
  }
  static void store_quantized(uint8_t* bytes, F v) {
    const I shifted = _mm512_add_epi32(_mm512_cvtps_epi32(v), _mm512_set1_epi32(128));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm512_cvtepi32_epi8(shifted));
  }

  static F load_bf16(const uint16_t* p) {
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return from_bits(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
  static F load_int8(const int8_t* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static F load_table(const float* codebook) { return load(codebook); }
  static I load_bytes(const uint8_t* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  // Both nibbles of eight bytes, the high one first.
  static I load_nibbles(const uint8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    const I twice = _mm512_cvtepu8_epi32(_mm_unpacklo_epi8(bytes, bytes));
    return _mm512_srlv_epi32(twice, _mm512_setr_epi32(4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0));
  }
  // The permutation reads the four low bits of an index.
  static F low_nibbles(F table, I bytes) { return _mm512_permutexvar_ps(bytes, table); }
  static F high_nibbles(F table, I bytes) {
    return _mm512_permutexvar_ps(_mm512_srli_epi32(bytes, 4), table);
  }
};

// The part that all integer products share.
struct IntSums {
  using Sum = __m512i;
  static constexpr int kLanes = 16, kRows = 12, kLineBytes = 128;
  static Sum zero() { return _mm512_setzero_si512(); }
  static Sum load_sum(const float* p) { return _mm512_loadu_si512(p); }
  static void store_sum(float* p, Sum v) { _mm512_storeu_si512(p, v); }
  static __m512i load_line(const char* line, int half) { return _mm512_loadu_si512(line + 64 * half); }
  static __m512i broadcast(const float* word) { return _mm512_castps_si512(_mm512_set1_ps(*word)); }
};

// The part that all floating-point products share.
struct FloatSums {
  using Sum = __m512;
  static constexpr int kLanes = 16, kRows = 12, kLineBytes = 128;
  static constexpr bool kPairs = false;
  static Sum zero() { return _mm512_setzero_ps(); }
  static Sum load_sum(const float* p) { return _mm512_loadu_ps(p); }
  static void store_sum(float* p, Sum v) { _mm512_storeu_ps(p, v); }
  static __m512 broadcast(const float* word) { return _mm512_set1_ps(*word); }
};

// Runs `instructions` on the accumulators zmm8 to zmm31 for each round; zmm0 and zmm1 hold zeros. A macro, as
// an asm template must be a literal; \\sum names the accumulator.
#define VALENCE_AVX512_PEAK(instructions)                                                                    \
  asm volatile(                                                                                              \
      "vzeroall\n"                                                                                           \
      ".irp sum, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"                           \
      "vpxord %%zmm\\sum, %%zmm\\sum, %%zmm\\sum\n"                                                          \
      ".endr\n"                                                                                              \
      "1:\n"                                                                                                 \
      ".irp sum, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, " \
      "31\n" instructions                                                                                    \
      ".endr\n"                                                                                              \
      "dec %0\n"                                                                                             \
      "jnz 1b\n"                                                                                             \
      : "+r"(rounds)                                                                                         \
      :                                                                                                      \
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",       \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21",   \
        "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31")

}  // namespace
}  // namespace valence::backend::cpu
