// AVX2 and FMA: eight fp32 a register, 6 x 16 tiles (12 accumulators of 16 registers).
#include <immintrin.h>

#include "backend/cpu/kernels_vector.h"
#include "backend/cpu/sums16.h"

namespace valence::backend::cpu {
namespace {

struct Avx2 {
  using F = __m256;
  using I = __m256i;
  static constexpr int kLanes = 8;

  static F set(float x) { return _mm256_set1_ps(x); }
  static F load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, F v) { _mm256_storeu_ps(p, v); }
  static I first_lanes(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static F load_part(const float* p, int64_t n) {
    return n == kLanes ? load(p) : _mm256_maskload_ps(p, first_lanes(n));
  }
  static void store_part(float* p, F v, int64_t n) {
    if (n == kLanes) {
      store(p, v);
    } else {
      _mm256_maskstore_ps(p, first_lanes(n), v);
    }
  }
  static F keep_part(F v, int64_t n) { return _mm256_and_ps(v, _mm256_castsi256_ps(first_lanes(n))); }

  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F round(F v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static F abs(F v) { return _mm256_andnot_ps(set(-0.0f), v); }
  static F copysign(F magnitude, F sign) {
    return _mm256_or_ps(_mm256_andnot_ps(set(-0.0f), magnitude), _mm256_and_ps(set(-0.0f), sign));
  }
  static F select_greater(F a, F b, F yes, F no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_GT_OQ));
  }
  static F power_of_two(F n) {
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
  }

  static float first(F v) { return _mm256_cvtss_f32(v); }
  static float sum(F v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  static float largest(F v) {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
  }

  static I set_int(uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
  static I lane_numbers() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
  static I add_int(I a, I b) { return _mm256_add_epi32(a, b); }
  static I mul_int(I a, I b) { return _mm256_mullo_epi32(a, b); }
  static I xor_int(I a, I b) { return _mm256_xor_si256(a, b); }
  template <int bits>
  static I shift_right(I v) {
    return _mm256_srli_epi32(v, bits);
  }
  // v, or 0 where x < bound, both without a sign: there the larger of them is not x.
  static F zero_below(I x, I bound, F v) {
    return _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(x, bound), x)));
  }

  static I abs_bits(F v) { return _mm256_castps_si256(abs(v)); }
  static I max_int(I a, I b) { return _mm256_max_epi32(a, b); }
  static int32_t largest_int(I v) {
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4E));
    return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xB1)));
  }
  static I load_int_part(const void* p, int64_t n) {
    return n == kLanes ? _mm256_loadu_si256(static_cast<const I*>(p))
                       : _mm256_maskload_epi32(static_cast<const int*>(p), first_lanes(n));
  }
  static F int_difference(const float* bits, const int32_t* minus, int64_t n) {
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(load_int_part(bits, n), load_int_part(minus, n)));
  }
  static void store_quantized(uint8_t* bytes, F v) {
    const I q = _mm256_cvtps_epi32(v);
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
    const __m128i shifted = _mm_add_epi16(words, _mm_set1_epi16(128));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(bytes), _mm_packus_epi16(shifted, shifted));
  }

  static F load_bf16(const uint16_t* p) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
  static F load_int8(const int8_t* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  struct Table {
    F low, high;  // entries 0-7, 8-15
  };
  static Table load_table(const float* codebook) { return {load(codebook), load(codebook + 8)}; }
  static I load_bytes(const uint8_t* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  // Both nibbles of four bytes, the high one first; what lies above bit 3 is ignored by look_up.
  static I load_nibbles(const uint8_t* p) {
    int32_t four = 0;
    __builtin_memcpy(&four, p, sizeof four);
    const __m128i bytes = _mm_cvtsi32_si128(four);
    const I twice = _mm256_cvtepu8_epi32(_mm_unpacklo_epi8(bytes, bytes));
    return _mm256_srlv_epi32(twice, _mm256_setr_epi32(4, 0, 4, 0, 4, 0, 4, 0));
  }
  // The permutation reads three bits of an index; bit 3, moved to the sign, chooses the half of the table.
  static F look_up(const Table& table, I index) {
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(table.low, index),
                            _mm256_permutevar8x32_ps(table.high, index),
                            _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
  }
  static F low_nibbles(const Table& table, I bytes) { return look_up(table, bytes); }
  static F high_nibbles(const Table& table, I bytes) { return look_up(table, _mm256_srli_epi32(bytes, 4)); }
};

struct DotFp32 {
  using Sum = __m256;
  static constexpr int kLanes = 8, kRows = 6, kLineBytes = 64;
  static constexpr bool kPairs = false;
  static Sum zero() { return _mm256_setzero_ps(); }
  static Sum load_sum(const float* p) { return _mm256_loadu_ps(p); }
  static void store_sum(float* p, Sum v) { _mm256_storeu_ps(p, v); }
  static __m256 load_line(const char* line, int half) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(line) + 8 * half);
  }
  static __m256 broadcast(const float* word) { return _mm256_broadcast_ss(word); }
  static Sum add_dot(Sum sum, __m256 word, __m256 line) { return _mm256_fmadd_ps(word, line, sum); }
};

// vpmaddubsw adds two products in 16 bits, which Kernels::largest_sum16 keeps from overflowing even when two
// of its sums are added; vpmaddwd by ones then adds pairs of those in 32 bits. Five instructions for 64
// products where widening to int16 first takes eight.
struct DotInt8 {
  using Sum = __m256i;
  static constexpr int kLanes = 8, kRows = 6, kLineBytes = 64;
  static constexpr bool kPairs = true;
  static Sum zero() { return _mm256_setzero_si256(); }
  static Sum load_sum(const float* p) { return _mm256_loadu_si256(reinterpret_cast<const Sum*>(p)); }
  static void store_sum(float* p, Sum v) { _mm256_storeu_si256(reinterpret_cast<Sum*>(p), v); }
  static __m256i load_line(const char* line, int half) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(line) + half);
  }
  static __m256i broadcast(const float* word) { return _mm256_castps_si256(_mm256_broadcast_ss(word)); }
  static Sum widen_and_add(Sum sum, __m256i sums16) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(sums16, _mm256_set1_epi16(1)));
  }
  static Sum add_dot(Sum sum, __m256i word, __m256i line) {
    return widen_and_add(sum, _mm256_maddubs_epi16(word, line));
  }
  static Sum add_dots(Sum sum, __m256i word, __m256i line, __m256i next_word, __m256i next_line) {
    return widen_and_add(
        sum, _mm256_add_epi16(_mm256_maddubs_epi16(word, line), _mm256_maddubs_epi16(next_word, next_line)));
  }
};

// Twelve independent sums of eight products.
void fp32_peak(int64_t rounds) {
  asm volatile(
      "vzeroall\n"
      "1:\n"
      ".irp sum, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
      "vfmadd231ps %%ymm0, %%ymm1, %%ymm\\sum\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      : "+r"(rounds)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

// Twelve independent sums of 64 products.
void int8_peak(int64_t rounds) {
  asm volatile(
      "vzeroall\n"
      "1:\n"
      ".irp sum, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
      "vpmaddubsw %%ymm0, %%ymm1, %%ymm2\n"
      "vpmaddubsw %%ymm0, %%ymm1, %%ymm3\n"
      "vpaddw %%ymm2, %%ymm3, %%ymm2\n"
      "vpmaddwd %%ymm0, %%ymm2, %%ymm2\n"
      "vpaddd %%ymm2, %%ymm\\sum, %%ymm\\sum\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      : "+r"(rounds)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

Kernels make_kernels() {
  Kernels k{};  // no constructor: at -O0 it would be inline code that the linker may share
  k.name = "avx2";
  k.columns = 16;
  k.rows = DotFp32::kRows;
  k.steps = 1024;
  k.largest_sum16 = largest_sum16;
  k.product_fp32 = product<DotFp32>;
  k.product_turned_fp32 = product<DotFp32, true>;
  k.product_int8 = product<DotInt8>;
  k.peak_fp32 = k.peak_bf16 = {fp32_peak, 12 * 8 * 2};
  k.peak_int8 = {int8_peak, 12 * 64 * 2};
  fill_row_kernels<Avx2>(k);
  return k;
}

}  // namespace

const Kernels& avx2_kernels() {
  static const Kernels kernels = make_kernels();
  return kernels;
}

}  // namespace valence::backend::cpu
