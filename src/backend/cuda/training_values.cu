#include "backend/cuda/activations.cuh"
#include "backend/cuda/dropout.cuh"
#include "backend/cuda/training_kernels.h"
#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

constexpr int kThreads = 256;

// Calls f(i) for each value.
template <typename Function>
__global__ void for_each_value(int64_t count, Function f) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) f(i);
}

template <typename Function>
void run(int64_t count, const Function& f, const char* operation, cudaStream_t stream) {
  if (count == 0) return;
  for_each_value<<<blocks_for(count, kThreads), kThreads, 0, stream>>>(count, f);
  check(cudaGetLastError(), operation);
}

// Block b sums part b.
__global__ void sum_squares(const float* x, int64_t count, double* sums) {
  __shared__ double parts[kThreads];
  const int64_t part = (count + kSquareParts - 1) / kSquareParts, begin = blockIdx.x * part;
  const int64_t end = begin + part < count ? begin + part : count;
  double sum = 0;
  for (int64_t i = begin + threadIdx.x; i < end; i += kThreads) sum += static_cast<double>(x[i]) * x[i];
  parts[threadIdx.x] = sum;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (static_cast<int>(threadIdx.x) < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = parts[0];
}

}  // namespace

void activate(Activation activation, const float* x, int64_t count, float* y, cudaStream_t stream) {
  run(count, [=] __device__(int64_t i) { y[i] = activated(activation, x[i]); }, "an activation", stream);
}

void activate_backward(Activation activation, const float* x, int64_t count, float* d_y,
                       cudaStream_t stream) {
  run(
      count, [=] __device__(int64_t i) { d_y[i] *= derivative(activation, x[i]); },
      "an activation's gradient", stream);
}

void drop(const Dropout& dropout, const float* x, int64_t count, float* y, cudaStream_t stream) {
  const Dropout d = dropout;
  run(
      count, [=] __device__(int64_t i) { y[i] = x[i] * drop_factor(d, static_cast<uint64_t>(i)); },
      "a dropout", stream);
}

void scale(float factor, int64_t count, float* x, cudaStream_t stream) {
  run(count, [=] __device__(int64_t i) { x[i] *= factor; }, "scaling", stream);
}

void add(const float* x, int64_t count, float* y, cudaStream_t stream) {
  run(count, [=] __device__(int64_t i) { y[i] += x[i]; }, "adding", stream);
}

void squares(const float* x, int64_t count, double* sums, cudaStream_t stream) {
  sum_squares<<<kSquareParts, kThreads, 0, stream>>>(x, count, sums);
  check(cudaGetLastError(), "a gradient's norm");
}

}  // namespace valence::backend::cuda
