// AVX-512 F, BW, DQ and VL.
#include "backend/cpu/avx512.h"
#include "backend/cpu/sums16.h"

namespace valence::backend::cpu {
namespace {

struct DotFp32 : FloatSums {
  static __m512 load_line(const char* line, int half) {
    return _mm512_loadu_ps(reinterpret_cast<const float*>(line) + 16 * half);
  }
  static Sum add_dot(Sum sum, __m512 word, __m512 line) { return _mm512_fmadd_ps(word, line, sum); }
};

// As in kernels_avx2.cc: sums of four products in 16 bits, then in 32.
struct DotInt8 : IntSums {
  static constexpr bool kPairs = true;
  static Sum widen_and_add(Sum sum, __m512i sums16) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(sums16, _mm512_set1_epi16(1)));
  }
  static Sum add_dot(Sum sum, __m512i word, __m512i line) {
    return widen_and_add(sum, _mm512_maddubs_epi16(word, line));
  }
  static Sum add_dots(Sum sum, __m512i word, __m512i line, __m512i next_word, __m512i next_line) {
    return widen_and_add(
        sum, _mm512_add_epi16(_mm512_maddubs_epi16(word, line), _mm512_maddubs_epi16(next_word, next_line)));
  }
};

void fp32_peak(int64_t rounds) { VALENCE_AVX512_PEAK("vfmadd231ps %%zmm0, %%zmm1, %%zmm\\sum\n"); }

void int8_peak(int64_t rounds) {
  VALENCE_AVX512_PEAK(
      "vpmaddubsw %%zmm0, %%zmm1, %%zmm2\n"
      "vpmaddubsw %%zmm0, %%zmm1, %%zmm3\n"
      "vpaddw %%zmm2, %%zmm3, %%zmm2\n"
      "vpmaddwd %%zmm0, %%zmm2, %%zmm2\n"
      "vpaddd %%zmm2, %%zmm\\sum, %%zmm\\sum\n");
}

Kernels make_kernels() {
  Kernels k{};  // no constructor: at -O0 it would be inline code that the linker may share
  k.name = "avx512";
  k.columns = 32;
  k.rows = FloatSums::kRows;
  k.steps = 512;
  k.largest_sum16 = largest_sum16;
  k.product_fp32 = product<DotFp32>;
  k.product_turned_fp32 = product<DotFp32, true>;
  k.product_int8 = product<DotInt8>;
  fill_row_kernels<Avx512>(k);
  k.peak_fp32 = k.peak_bf16 = {fp32_peak, 24 * 16 * 2};
  k.peak_int8 = {int8_peak, 24 * 128 * 2};
  return k;
}

}  // namespace

const Kernels& avx512_kernels() {
  static const Kernels kernels = make_kernels();
  return kernels;
}

}  // namespace valence::backend::cpu
