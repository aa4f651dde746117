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

// ---- NF4 to pairs

// Both rounded to bf16, in turns.
__m512i interleaved(__m512 even, __m512 odd) {
  const __m512i order =
      _mm512_or_si512(_mm512_slli_epi32(_mm512_add_epi32(Avx512::lane_numbers(), _mm512_set1_epi32(16)), 16),
                      Avx512::lane_numbers());
  return _mm512_permutexvar_epi16(order, __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(odd, even)));
}

// Sixteen bytes of the rows 0, 4, 8 and 12.
__m512i load_quarters(const uint8_t* rows, int64_t row_bytes) {
  const auto quarter = [&](int64_t row) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows + row * row_bytes));
  };
  const __m512i two = _mm512_inserti32x4(_mm512_castsi128_si512(quarter(0)), quarter(4), 1);
  return _mm512_inserti32x4(_mm512_inserti32x4(two, quarter(8), 2), quarter(12), 3);
}

// Sixteen bytes of each of sixteen rows: part k has the bytes 4k to 4k + 3 of all of them.
void load_columns(const uint8_t* rows, int64_t row_bytes, __m512i parts[4]) {
  const __m512i a = load_quarters(rows, row_bytes), b = load_quarters(rows + row_bytes, row_bytes),
                c = load_quarters(rows + 2 * row_bytes, row_bytes),
                d = load_quarters(rows + 3 * row_bytes, row_bytes);
  const __m512i low_ab = _mm512_unpacklo_epi32(a, b), low_cd = _mm512_unpacklo_epi32(c, d),
                high_ab = _mm512_unpackhi_epi32(a, b), high_cd = _mm512_unpackhi_epi32(c, d);
  parts[0] = _mm512_unpacklo_epi64(low_ab, low_cd);
  parts[1] = _mm512_unpackhi_epi64(low_ab, low_cd);
  parts[2] = _mm512_unpacklo_epi64(high_ab, high_cd);
  parts[3] = _mm512_unpackhi_epi64(high_ab, high_cd);
}

// A byte is the pair of a column.
void pair_nf4_rows(const Nf4Rows& rows, int64_t steps, float* panel) {
  constexpr int kColumns = 32, kBlockBytes = kNf4RowBlock / 2;
  const __m512 table = Avx512::load_table(rows.codebook);
  const int64_t row_bytes = rows.row_blocks * kBlockBytes;
  const __m512i blocks =
      _mm512_mullo_epi32(Avx512::lane_numbers(), _mm512_set1_epi32(static_cast<int>(rows.row_blocks)));
  for (int half = 0; half < kColumns; half += Avx512::kLanes) {
    const uint8_t* packed = rows.packed + half * row_bytes;
    const float* absmax = rows.absmax + half * rows.row_blocks;
    float* out = panel + half;
    for (int64_t block = 0; block < steps / kNf4RowBlock; ++block, ++absmax) {
      const __m512 scale = _mm512_i32gather_ps(blocks, absmax, 4);
      for (int at = 0; at < kBlockBytes; at += 16, packed += 16) {
        __m512i parts[4];
        load_columns(packed, row_bytes, parts);
        for (__m512i codes : parts) {
          for (int byte = 0; byte < 4; ++byte, out += kColumns) {
            const __m512 even = Avx512::mul(Avx512::high_nibbles(table, codes), scale);
            const __m512 odd = Avx512::mul(Avx512::low_nibbles(table, codes), scale);
            _mm512_storeu_si512(out, interleaved(even, odd));
            codes = _mm512_srli_epi32(codes, 8);
          }
        }
      }
    }
  }
}

void pair_nf4_lines(const Nf4Rows& rows, int half, int64_t steps, float* panel) {
  constexpr int kBlockBytes = kNf4RowBlock / 2, kColumns = 32;
  const __m512 table = Avx512::load_table(rows.codebook);
  const uint8_t* packed = rows.packed + half * kColumns / 2;
  const float* absmax = rows.absmax;
  const int64_t row_bytes = rows.row_blocks * kBlockBytes;
  for (int64_t step = 0; step < steps; step += 2, panel += kColumns) {
    const __m512 even_scale = Avx512::set(absmax[0]), odd_scale = Avx512::set(absmax[rows.row_blocks]);
    for (int lanes = 0; lanes < kColumns; lanes += Avx512::kLanes) {
      const uint8_t *even = packed + lanes / 2, *odd = even + row_bytes;
      _mm512_storeu_si512(
          panel + lanes,
          interleaved(Avx512::mul(Avx512::low_nibbles(table, Avx512::load_nibbles(even)), even_scale),
                      Avx512::mul(Avx512::low_nibbles(table, Avx512::load_nibbles(odd)), odd_scale)));
    }
    packed += 2 * row_bytes;
    absmax += 2 * rows.row_blocks;
  }
}

void bf16_peak(int64_t rounds) { VALENCE_AVX512_PEAK("vdpbf16ps %%zmm0, %%zmm1, %%zmm\\sum\n"); }

Kernels make_kernels() {
  Kernels k = avx512vnni_kernels();
  k.name = "avx512bf16";
  k.product_bf16 = product<DotBf16>;
  k.round_bf16 = round_bf16;
  k.pair_bf16 = pair_bf16;
  k.pair_nf4_rows = pair_nf4_rows;
  k.pair_nf4_lines = pair_nf4_lines;
  k.peak_bf16 = {bf16_peak, 24 * 32 * 2};
  return k;
}

}  // namespace

const Kernels& avx512bf16_kernels() {
  static const Kernels kernels = make_kernels();
  return kernels;
}

}  // namespace valence::backend::cpu
