// AVX-512 with VNNI: int8 products four at a time.
#include "backend/cpu/avx512.h"

namespace valence::backend::cpu {
namespace {

// vpdpbusd (unlike vpdpbusds) does not saturate.
struct DotInt8 : IntSums {
  static constexpr bool kPairs = false;
  static Sum add_dot(Sum sum, __m512i word, __m512i line) { return _mm512_dpbusd_epi32(sum, word, line); }
};

void int8_peak(int64_t rounds) { VALENCE_AVX512_PEAK("vpdpbusd %%zmm0, %%zmm1, %%zmm\\sum\n"); }

Kernels make_kernels() {
  Kernels k = avx512_kernels();
  k.name = "avx512vnni";
  k.largest_sum16 = nullptr;
  k.product_int8 = product<DotInt8>;
  k.peak_int8 = {int8_peak, 24 * 64 * 2};
  return k;
}

}  // namespace

const Kernels& avx512vnni_kernels() {
  static const Kernels kernels = make_kernels();
  return kernels;
}

}  // namespace valence::backend::cpu
