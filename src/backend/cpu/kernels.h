// The functions of one instruction set. Each kernels_ISA.cc fills one table; nothing else differs between
// instruction sets.
//
// Weights lie in panels of `columns` output features. Every product is the same loop: a step takes one 32-bit
// word of each row of the left matrix (one fp32, two bf16 or four uint8) and one line of the panel (the
// weights of that word for each of its columns). Each output has one accumulator, summed over the steps in
// order (by AMX sixteen at a time), so its bits do not depend on the rows around it.
//
// An int8 product multiplies uint8 = int8 + 128 with int8 weights, as vpdpbusd does; 128 times the sum of the
// weights is taken off again at the end. All of it is exact.
#pragma once

#include <cstdint>

#include "backend/backend.h"

namespace valence::backend::cpu {

// c [rows, columns] (+)= a [rows, steps words] x panel [steps, columns].
struct Tile {
  const void* a = nullptr;
  int64_t a_stride = 0;  // 32-bit words from row to row
  const void* panel = nullptr;
  int64_t steps = 0;
  float* c = nullptr;  // int8: the bits of an int32
  int64_t c_stride = 0;
  bool resume = false;  // start from what c holds, else from zero
  // What will be read next: a hint at prefetch + step * prefetch_stride bytes goes with each step.
  const void* prefetch = nullptr;
  int64_t prefetch_stride = 0;
};
using ProductFn = void (*)(int rows, const Tile& tile);

// What follows a product, in place on y [rows, count].
struct Finish {
  float* y = nullptr;
  int64_t stride = 0;
  int rows = 0;
  int64_t count = 0;
  const float* bias = nullptr;    // [count]
  const float* addend = nullptr;  // before the activation: null, or rows at the same stride as y
  Activation activation = Activation::kNone;
  const float* residual = nullptr;  // behind it, likewise
  // Only after an int8 product: y holds int32.
  const float* row_scales = nullptr;      // [rows]
  const float* column_scales = nullptr;   // [count]; null after other products
  const int32_t* compensation = nullptr;  // [count], subtracted first
};

// A row of places of backend/dropout_hash.h.
struct DropRow {
  uint32_t first = 0;                  // the lower half of the first place
  uint32_t key_low = 0, key_high = 0;  // of dropout_key_of()
  uint32_t bound = 0;
  float factor = 1;  // of what is kept
};

// A part of a matrix in NF4, as bitsandbytes stores it (the first of a pair in the high nibble). Its rows are
// whole blocks, and it begins with one.
constexpr int kNf4RowBlock = 64;  // values with one absmax
struct Nf4Rows {
  const uint8_t* packed = nullptr;
  const float* absmax = nullptr;
  int64_t row_blocks = 0;  // of a row of the whole matrix
  const float* codebook = nullptr;
};

// The running state of one row's online softmax.
struct SoftmaxState {
  float maximum = 0;
  float sum = 0;
};

// Multiplications and additions in registers alone, as many as the core can do.
struct Peak {
  void (*run)(int64_t rounds) = nullptr;
  int64_t operations = 0;  // of a round; a multiplication and its addition count as two
};

constexpr int64_t kPaddedValues = 16;
constexpr int kSum16 = 128;  // 128 x 255 < 2^15

struct Kernels {
  const char* name = nullptr;
  int columns = 0;  // of a panel
  int rows = 0;     // the most rows of a tile
  // Steps of a panel that are multiplied at a time, even: they and the left matrix of a few tiles share the
  // second-level cache.
  int64_t steps = 0;
  // Not null where int8 products add four of their products in 16 bits first, two of each step of a pair of
  // steps, so that the positive weights of the four may sum up to kSum16 at most, and the negative ones
  // likewise: the largest of these sums in a row's values [count], count a multiple of 32.
  int (*largest_sum16)(const int8_t* values, int64_t count) = nullptr;

  ProductFn product_fp32 = nullptr;
  // With the left matrix transposed: word `step` of row r lies at a[step * a_stride + r].
  ProductFn product_turned_fp32 = nullptr;
  ProductFn product_int8 = nullptr;
  ProductFn product_bf16 = nullptr;  // null: bf16 weights are expanded and multiplied as fp32

  // The limit of each of these products; bf16 as fp32 where product_bf16 is null.
  Peak peak_fp32, peak_int8, peak_bf16;

  void (*finish)(const Finish& finish) = nullptr;
  // Quantizes x [count] by its absmax to int8 + 128; returns the scale. The rule is that of
  // tensor::quantize_row_int8. Whole vectors are written: kPaddedValues more values must have room, of which
  // only those of the last word's padding have a meaning (none: their weights are zero).
  float (*quantize_row)(const float* x, int64_t count, uint8_t* bytes) = nullptr;
  // Rounds x [count] to bf16, to nearest even; the last word is padded with zero; writes like quantize_row.
  // Null where product_bf16 is.
  void (*round_bf16)(const float* x, int64_t count, uint16_t* words) = nullptr;
  // A panel of fp32 lines [steps][columns] to the pairs that product_bf16 reads, [ceil(steps /
  // 2)][columns][2], zeros behind an odd last line; in place. Null where product_bf16 is.
  void (*pair_bf16)(float* panel, int64_t steps) = nullptr;
  // Such pairs of `columns` columns straight from NF4, of the same bits. Of its rows as columns, `steps`
  // (whole blocks) of them; and of its rows as steps (an even number), whose first or second half of a block
  // are the columns. Null where product_bf16 is, or a panel's columns are not half a block.
  void (*pair_nf4_rows)(const Nf4Rows& rows, int64_t steps, float* panel) = nullptr;
  void (*pair_nf4_lines)(const Nf4Rows& rows, int half, int64_t steps, float* panel) = nullptr;

  // Panels in compact form to fp32 [count], count a multiple of `columns`.
  void (*expand_bf16)(const uint16_t* panel, int64_t count, float* out) = nullptr;
  void (*expand_int8)(const int8_t* panel, int64_t count, float* out) = nullptr;
  // `steps` lines of nibbles: byte j of a line holds column j (low) and column j + columns / 2 (high), times
  // scales [columns].
  void (*expand_nf4)(const uint8_t* panel, const float* scales, const float* codebook, int64_t steps,
                     float* out) = nullptr;

  // Elements of a row in the layout of bitsandbytes (the first of a pair in the high nibble) times a scale;
  // count is even.
  void (*expand_nf4_row)(const uint8_t* packed, float scale, const float* codebook, int64_t count,
                         float* out) = nullptr;

  void (*layer_norm_row)(float* x, int64_t count, const float* gamma, const float* beta,
                         float epsilon) = nullptr;
  // x [count] = (x - mean) * scale in place; returns the scale, 1 / deviation.
  float (*normalize_row)(float* x, int64_t count, float epsilon) = nullptr;
  // d_x [count] from d_y of normal * gamma + beta; d_x may alias d_y.
  void (*layer_norm_backward_row)(const float* d_y, const float* normal, float scale, const float* gamma,
                                  int64_t count, float* d_x) = nullptr;
  // y [count] = f(x); they may alias.
  void (*activate_row)(Activation activation, const float* x, int64_t count, float* y) = nullptr;
  // d_y [count] *= f'(x).
  void (*activate_backward_row)(Activation activation, const float* x, int64_t count, float* d_y) = nullptr;
  // scores [count] become exp(scores * scale - maximum) with the maximum of all tiles so far; returns the
  // factor by which what was summed under the former maximum shrinks.
  float (*softmax_row)(float* scores, int64_t count, float scale, SoftmaxState& state) = nullptr;
  // x [count] becomes exp(x * scale - shift).
  void (*exp_row)(float* x, int64_t count, float scale, float shift) = nullptr;
  // d [count], gradients of probabilities p, become those of the scores before a scaled softmax:
  // scale * p * (d - dot), dot being the sum of p * d over the whole row.
  void (*softmax_backward_row)(const float* p, int64_t count, float dot, float scale, float* d) = nullptr;
  // y [count] = x times the factor, or 0 where the hash is below the bound; they may alias.
  void (*drop_row)(const float* x, int64_t count, const DropRow& row, float* y) = nullptr;
  // y [count] *= factor.
  void (*scale_row)(float* y, int64_t count, float factor) = nullptr;
  // y [count]: the products of x [dim] with rows that lie anywhere.
  void (*dot_rows)(const float* x, const float* const* rows, int64_t count, int64_t dim, float* y) = nullptr;
  // y [dim]: the sum of rows that lie anywhere, each times its weight, in their order.
  void (*combine_rows)(const float* weights, const float* const* rows, int64_t count, int64_t dim,
                       float* y) = nullptr;
};

const Kernels& scalar_kernels();
#if defined(__x86_64__)
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
const Kernels& avx512vnni_kernels();
const Kernels& avx512bf16_kernels();
const Kernels& amx_kernels();
#endif

}  // namespace valence::backend::cpu
