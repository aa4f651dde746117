// Attention of each sequence's first token only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/aligned.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/workers.h"

namespace valence::backend::cpu {

// Key and value projections, absorbed: with the rows W_k,h of a head,
//   score(t) = q_h . (W_k,h x_t + b_k,h) = (W_k,hT q_h) . x_t + q_h . b_k,h,
// whose last term is the same for all tokens t of the sequence and cancels in the softmax; and because the
// probabilities sum to one,
//   sum_t p_t (W_v,h x_t + b_v,h) = W_v,h (sum_t p_t x_t) + b_v,h.
// Per sequence this costs two products with a vector a head instead of two projections of every token.
//
// Stored as fp32, bf16 or int8 with one scale a row of W, and always multiplied in fp32. NF4 is kept as bf16
// of the 4-bit values: its blocks run across the columns that the absorbed product sums over.
class FirstTokenWeights : public FirstTokenProjection {
 public:
  FirstTokenWeights(const Kernels& kernels, const MatrixSource& key, const MatrixSource& value,
                    const float* value_bias, WeightType type);
  size_t bytes() const override;

  // Shapes as Backend::attention_first_token has them.
  void compute(const float* query, const float* hidden, std::span<const int32_t> cumulative_lengths,
               int heads, int head_dim, float* output, Workers& workers) const;

 private:
  struct Batch;  // the arguments of one call

  void pack(const MatrixSource& from, WeightType type, bool row_is_line, AlignedArray<std::byte>& panels,
            std::vector<float>& scales);
  // A row in the stored type; returns its scale.
  float store_row(const MatrixSource& source, int64_t row, std::vector<float>& values,
                  std::vector<std::byte>& stored) const;
  // Lines of a panel as fp32.
  const float* lines(const AlignedArray<std::byte>& panels, int64_t panel, Range steps,
                     Scratch& scratch) const;

  void absorb_key(const Batch& batch, int64_t head, Scratch& scratch) const;
  void pool(const Batch& batch, int64_t sequence, Scratch& scratch) const;
  void apply_value(const Batch& batch, int64_t head, Scratch& scratch) const;

  const Kernels& kernels_;
  WeightType type_;
  int64_t hidden_, element_bytes_;
  // Panels [ceil(hidden / columns)][hidden][columns]. Key: a line is a row of W_k, so a head is a run of
  // lines. Value: a column is a row of W_v, so a head is a run of columns.
  AlignedArray<std::byte> key_, value_;
  std::vector<float> key_scales_, value_scales_;  // int8: [hidden], a row of W each
  std::vector<float> value_bias_;                 // [hidden] or empty
};

}  // namespace valence::backend::cpu
