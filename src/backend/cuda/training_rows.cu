#include "backend/cuda/training_kernels.h"
#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

constexpr int kThreads = 128;  // of a block, which takes one row

__global__ void sum_rows(EmbeddingRows rows, int64_t columns, float* y) {
  const int64_t token = blockIdx.x;
  const float* word = rows.words + rows.ids[token] * columns;
  const float* position = rows.position_rows + rows.positions[token] * columns;
  for (int64_t c = threadIdx.x; c < columns; c += kThreads) {
    float sum = word[c] + position[c];
    if (rows.type != nullptr) sum += rows.type[c];
    y[token * columns + c] = sum;
  }
}

__global__ void add_rows(const float* d, RowSums sums, int64_t columns, float* to) {
  const int64_t target = sums.targets[blockIdx.x];
  const int32_t begin = sums.begins[blockIdx.x], end = sums.begins[blockIdx.x + 1];
  for (int64_t c = threadIdx.x; c < columns; c += kThreads) {
    float sum = to[target * columns + c];
    for (int32_t k = begin; k < end; ++k) sum += d[sums.sources[k] * columns + c];
    to[target * columns + c] = sum;
  }
}

__global__ void expand(const float* compact, const int32_t* slots, int64_t columns, float* y) {
  const int64_t row = blockIdx.x;
  const int64_t slot = slots[row];
  for (int64_t c = threadIdx.x; c < columns; c += kThreads)
    y[row * columns + c] = slot < 0 ? 0.0f : compact[slot * columns + c];
}

__global__ void add_first(const float* x, const int32_t* cumulative_lengths, int64_t columns, float* y) {
  const int64_t sequence = blockIdx.x;
  float* to = y + cumulative_lengths[sequence] * columns;
  for (int64_t c = threadIdx.x; c < columns; c += kThreads) to[c] += x[sequence * columns + c];
}

}  // namespace

void embedding_sum(const EmbeddingRows& rows, int64_t tokens, int64_t columns, float* y,
                   cudaStream_t stream) {
  sum_rows<<<static_cast<unsigned>(tokens), kThreads, 0, stream>>>(rows, columns, y);
  check(cudaGetLastError(), "looking up words");
}

void add_to_rows(const float* d, const RowSums& sums, int64_t count, int64_t columns, float* to,
                 cudaStream_t stream) {
  add_rows<<<static_cast<unsigned>(count), kThreads, 0, stream>>>(d, sums, columns, to);
  check(cudaGetLastError(), "adding to rows of a table");
}

void expand_rows(const float* compact, const int32_t* slots, int64_t rows, int64_t columns, float* y,
                 cudaStream_t stream) {
  expand<<<static_cast<unsigned>(rows), kThreads, 0, stream>>>(compact, slots, columns, y);
  check(cudaGetLastError(), "spreading rows of a table");
}

void add_first_tokens(const float* x, const int32_t* cumulative_lengths, int64_t sequences, int64_t columns,
                      float* y, cudaStream_t stream) {
  add_first<<<static_cast<unsigned>(sequences), kThreads, 0, stream>>>(x, cumulative_lengths, columns, y);
  check(cudaGetLastError(), "adding to first tokens");
}

}  // namespace valence::backend::cuda
