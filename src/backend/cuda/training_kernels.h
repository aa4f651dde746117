// The kernels of training, one file for each kind; all values are fp32 in GPU memory (backend/training.h says
// what each operation computes). Every sum is taken in an order that does not depend on how blocks are
// scheduled.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backend/adamw_factors.h"
#include "backend/cuda/kernels.h"
#include "backend/training.h"

namespace valence::backend::cuda {

// training_norm.cu
struct NormForward {
  const float* x = nullptr;
  const float* gamma = nullptr;
  const float* beta = nullptr;
  float epsilon = 0;
  float* normal = nullptr;
  float* scale = nullptr;
  float* y = nullptr;
};
void layer_norm_forward(const NormForward& norm, int64_t rows, int64_t columns, cudaStream_t stream);
// d_x alone; the sums over rows are column_sums().
void layer_norm_backward(const float* d_y, const float* normal, const float* scale, const float* gamma,
                         int64_t rows, int64_t columns, float* d_x, cudaStream_t stream);
// sums [columns] += those of x, or of x times `other`, over the rows.
void column_sums(const float* x, const float* other, int64_t stride, int64_t rows, int64_t columns,
                 float* sums, cudaStream_t stream);
// y [rows, columns] = x * gamma + beta
void scale_and_shift(const float* x, const float* gamma, const float* beta, int64_t rows, int64_t columns,
                     float* y, cudaStream_t stream);

// training_values.cu
void activate(Activation activation, const float* x, int64_t count, float* y, cudaStream_t stream);
void activate_backward(Activation activation, const float* x, int64_t count, float* d_y, cudaStream_t stream);
void drop(const Dropout& dropout, const float* x, int64_t count, float* y, cudaStream_t stream);
void scale(float factor, int64_t count, float* x, cudaStream_t stream);
void add(const float* x, int64_t count, float* y, cudaStream_t stream);
// sums [kSquareParts] = sums of squares of equal parts of x, in double.
constexpr int kSquareParts = 256;
void squares(const float* x, int64_t count, double* sums, cudaStream_t stream);

// training_rows.cu
struct EmbeddingRows {
  const int32_t* ids = nullptr;        // [tokens]
  const int32_t* positions = nullptr;  // [tokens]
  const float* words = nullptr;
  const float* position_rows = nullptr;
  const float* type = nullptr;  // one row or null
};
void embedding_sum(const EmbeddingRows& rows, int64_t tokens, int64_t columns, float* y, cudaStream_t stream);
// to[targets[k]] += the sum of d[sources[begins[k] .. begins[k + 1])], for each of `count` targets, in that
// order.
struct RowSums {
  const int32_t* targets = nullptr;
  const int32_t* begins = nullptr;
  const int32_t* sources = nullptr;
};
void add_to_rows(const float* d, const RowSums& sums, int64_t count, int64_t columns, float* to,
                 cudaStream_t stream);
// y[k] = compact[slots[k]], or zero where the slot is -1, for `rows` rows.
void expand_rows(const float* compact, const int32_t* slots, int64_t rows, int64_t columns, float* y,
                 cudaStream_t stream);
// y[the first token of sequence s] += x[s].
void add_first_tokens(const float* x, const int32_t* cumulative_lengths, int64_t sequences, int64_t columns,
                      float* y, cudaStream_t stream);

// attention_training.cu
struct TrainingAttention {
  const AttentionTile* tiles = nullptr;  // of queries; one a sequence with first_only
  int64_t tile_count = 0;
  const AttentionTile* key_tiles = nullptr;  // of all tokens
  int64_t key_tile_count = 0;
  int heads = 0, head_dim = 0;
  int64_t queries = 0;
  bool first_only = false;
  Dropout dropout;
  float* probabilities = nullptr;        // as in AttentionShape, or null
  const int64_t* pair_begins = nullptr;  // [sequences + 1]: where a sequence's lie within a head's
  int64_t all_pairs = 0;                 // of a head
  const float* query = nullptr;          // [queries, hidden]
  const float* key_value = nullptr;      // [tokens, 2 * hidden]
  float* output = nullptr;               // [queries, hidden]
  float* log_sums = nullptr;             // [heads, queries]
  const float* d_output = nullptr;
  float* dots = nullptr;  // [heads, queries], of outputs and their gradients
  float* d_query = nullptr;
  float* d_key_value = nullptr;
};
void attention_forward(const TrainingAttention& attention, cudaStream_t stream);
void attention_backward(const TrainingAttention& attention, cudaStream_t stream);

// adamw.cu
struct AdamWParts {
  const float* gradient = nullptr;
  float* weights = nullptr;
  int64_t count = 0;
};
void adamw(const AdamWFactors& factors, const AdamWParts& parts, float* first, float* second,
           cudaStream_t stream);
// `maps`: the signed map and the unsigned one, [2][256], in GPU memory.
void adamw_8bit(const AdamWFactors& factors, const AdamWParts& parts, const Moment8Bit& first,
                const Moment8Bit& second, const float* maps, cudaStream_t stream);

}  // namespace valence::backend::cuda
