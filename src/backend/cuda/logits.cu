#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

// A block for each row, its warps for the labels in turn.
template <typename T>
__global__ void label_sums(const T* x, const T* weight, const float* bias, int64_t in, int64_t out,
                           float* y) {
  const int64_t row = blockIdx.x;
  const int lane = threadIdx.x % kWarp;
  for (int64_t label = threadIdx.x / kWarp; label < out; label += blockDim.x / kWarp) {
    float sum = 0;
    for (int64_t i = lane; i < in; i += kWarp)
      sum += to_float(x[row * in + i]) * to_float(weight[label * in + i]);
    sum = warp_sum(sum);
    if (lane == 0) y[row * out + label] = sum + (bias != nullptr ? bias[label] : 0.0f);
  }
}

}  // namespace

void logits(const void* x, const void* weight, const float* bias, int64_t rows, int64_t in, int64_t out,
            Element type, float* y, cudaStream_t stream) {
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    label_sums<<<static_cast<unsigned>(rows), 4 * kWarp, 0, stream>>>(
        static_cast<const T*>(x), static_cast<const T*>(weight), bias, in, out, y);
  });
  check(cudaGetLastError(), "computing logits");
}

}  // namespace valence::backend::cuda
