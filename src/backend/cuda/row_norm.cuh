// Layer normalization of a row by one warp. Ba et al. 2016; the variance is that of the differences from the
// mean.
#pragma once

#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {

// y [columns] = norm(row); `row(column)` gives the vector of values from `column` on. kVectors of them a lane
// stay in registers; columns is a multiple of a vector's count, at most kVectors * 32 of them.
template <typename T, int kVectors, typename Row>
__device__ void normalize_row(const Row& row, const NormWeights& norm, int columns, T* y) {
  constexpr int kCount = Vector<T>::kCount;
  const int lane = threadIdx.x % kWarp;
  Vector<T> values[kVectors];
  float sum = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int column = (v * kWarp + lane) * kCount;
    if (column >= columns) continue;
    values[v] = row(column);
#pragma unroll
    for (int i = 0; i < kCount; ++i) sum += values[v].values[i];
  }
  const float mean = warp_sum(sum) / columns;
  float squares = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    if ((v * kWarp + lane) * kCount >= columns) continue;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      values[v].values[i] -= mean;
      squares += values[v].values[i] * values[v].values[i];
    }
  }
  const float scale = rsqrtf(warp_sum(squares) / columns + norm.epsilon);
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int column = (v * kWarp + lane) * kCount;
    if (column >= columns) continue;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      values[v].values[i] =
          values[v].values[i] * scale * __ldg(norm.gamma + column + i) + __ldg(norm.beta + column + i);
    }
    store_vector(values[v], y + column);
  }
}

constexpr int kRowsOfBlock = 4;  // a warp each

// Calls launch(constant) with the fewest vectors a lane that hold a row.
template <typename T, typename Launch>
void with_vectors(int64_t columns, const Launch& launch) {
  const int64_t vectors = (columns + kWarp * Vector<T>::kCount - 1) / (kWarp * Vector<T>::kCount);
  if (vectors <= 2) return launch(std::integral_constant<int, 2>());
  if (vectors <= 3) return launch(std::integral_constant<int, 3>());
  if (vectors <= 4) return launch(std::integral_constant<int, 4>());
  if (vectors <= 8) return launch(std::integral_constant<int, 8>());
  launch(std::integral_constant<int, 32>());
}

}  // namespace valence::backend::cuda
