#include "backend/cuda/training_kernels.h"
#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

constexpr int kRows = 4;  // of a block, a warp each

__global__ void forward(NormForward norm, int64_t rows, int columns) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kRows + threadIdx.x / kWarp;
  if (row >= rows) return;
  const int lane = threadIdx.x % kWarp;
  const float* x = norm.x + row * columns;
  float* normal = norm.normal + row * columns;
  float sum = 0;
  for (int c = lane; c < columns; c += kWarp) sum += x[c];
  const float mean = warp_sum(sum) / columns;
  float squares = 0;
  for (int c = lane; c < columns; c += kWarp) squares += (x[c] - mean) * (x[c] - mean);
  const float scale = rsqrtf(warp_sum(squares) / columns + norm.epsilon);
  if (lane == 0) norm.scale[row] = scale;
  for (int c = lane; c < columns; c += kWarp) {  // x may be normal, and y as well
    const float value = (x[c] - mean) * scale;
    normal[c] = value;
    norm.y[row * columns + c] = value * norm.gamma[c] + norm.beta[c];
  }
}

__global__ void backward(const float* d_y, const float* normal, const float* scale, const float* gamma,
                         int64_t rows, int columns, float* d_x) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kRows + threadIdx.x / kWarp;
  if (row >= rows) return;
  const int lane = threadIdx.x % kWarp;
  const float *d = d_y + row * columns, *n = normal + row * columns;
  float sum = 0, dot = 0;
  for (int c = lane; c < columns; c += kWarp) {
    sum += d[c] * gamma[c];
    dot += d[c] * gamma[c] * n[c];
  }
  const float mean = warp_sum(sum) / columns, part = warp_sum(dot) / columns;
  for (int c = lane; c < columns; c += kWarp)
    d_x[row * columns + c] = scale[row] * (d[c] * gamma[c] - mean - n[c] * part);
}

// A block for 32 columns; each of its 32 warps takes every 32nd row, and the parts are added in their order.
__global__ void sum_columns(const float* x, const float* other, int64_t stride, int64_t rows, int64_t columns,
                            float* sums) {
  __shared__ float parts[kWarp][kWarp + 1];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int64_t column = static_cast<int64_t>(blockIdx.x) * kWarp + lane;
  float sum = 0;
  if (column < columns) {
    for (int64_t r = warp; r < rows; r += kWarp)
      sum += x[r * stride + column] * (other != nullptr ? other[r * stride + column] : 1.0f);
  }
  parts[warp][lane] = sum;
  __syncthreads();
  if (warp != 0 || column >= columns) return;
  float all = 0;
  for (int w = 0; w < kWarp; ++w) all += parts[w][lane];
  sums[column] += all;
}

__global__ void shift(const float* x, const float* gamma, const float* beta, int64_t count, int64_t columns,
                      float* y) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) y[i] = x[i] * gamma[i % columns] + beta[i % columns];
}

}  // namespace

void layer_norm_forward(const NormForward& norm, int64_t rows, int64_t columns, cudaStream_t stream) {
  forward<<<blocks_for(rows, kRows), kRows * kWarp, 0, stream>>>(norm, rows, static_cast<int>(columns));
  check(cudaGetLastError(), "a layer norm");
}

void layer_norm_backward(const float* d_y, const float* normal, const float* scale, const float* gamma,
                         int64_t rows, int64_t columns, float* d_x, cudaStream_t stream) {
  backward<<<blocks_for(rows, kRows), kRows * kWarp, 0, stream>>>(d_y, normal, scale, gamma, rows,
                                                                  static_cast<int>(columns), d_x);
  check(cudaGetLastError(), "a layer norm's gradient");
}

void column_sums(const float* x, const float* other, int64_t stride, int64_t rows, int64_t columns,
                 float* sums, cudaStream_t stream) {
  sum_columns<<<blocks_for(columns, kWarp), kWarp * kWarp, 0, stream>>>(x, other, stride, rows, columns,
                                                                        sums);
  check(cudaGetLastError(), "summing columns");
}

void scale_and_shift(const float* x, const float* gamma, const float* beta, int64_t rows, int64_t columns,
                     float* y, cudaStream_t stream) {
  shift<<<blocks_for(rows * columns, 256), 256, 0, stream>>>(x, gamma, beta, rows * columns, columns, y);
  check(cudaGetLastError(), "restoring a norm's output");
}

}  // namespace valence::backend::cuda
