// What int8 products need where there is no VNNI: Kernels::largest_sum16 for the two kinds of machine that
// add four products in 16 bits. In the unnamed namespace: see kernels_vector.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace valence::backend::cpu {
namespace {

// With S the sum and A the sum of the magnitudes of four weights, their positive part is (A + S) / 2 and
// their negative part (A - S) / 2.
int largest_sum16(const int8_t* values, int64_t count) {
  const __m256i ones = _mm256_set1_epi8(1);
  __m256i largest = _mm256_setzero_si256();
  for (int64_t i = 0; i < count; i += 32) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i));
    __m256i magnitudes = _mm256_maddubs_epi16(_mm256_abs_epi8(v), ones);
    __m256i sums = _mm256_maddubs_epi16(ones, v);
    // Pairs of a step lie 32 bits from the pairs of the next one; the upper halves are not wanted.
    magnitudes = _mm256_add_epi16(magnitudes, _mm256_srli_epi64(magnitudes, 32));
    sums = _mm256_add_epi16(sums, _mm256_srli_epi64(sums, 32));
    const __m256i twice = _mm256_add_epi16(magnitudes, _mm256_abs_epi16(sums));
    largest = _mm256_max_epi16(largest, _mm256_and_si256(twice, _mm256_set1_epi64x(0xFFFFFFFF)));
  }
  int16_t lanes[16];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), largest);
  int result = 0;
  for (const int16_t lane : lanes) result = lane > result ? lane : result;
  return result / 2;
}

}  // namespace
}  // namespace valence::backend::cpu
