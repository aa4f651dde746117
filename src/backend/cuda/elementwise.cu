#include "backend/cuda/activations.cuh"
#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

constexpr int kThreads = 256;

template <typename T>
__global__ void finish(Activation activation, const T* addend, const T* residual, int64_t count, T* y) {
  constexpr int kCount = Vector<T>::kCount;
  const int64_t first = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * kCount;
  if (first + kCount > count) {
    for (int64_t i = first; i < count; ++i) {
      const float sum = to_float(y[i]) + (addend ? to_float(addend[i]) : 0.0f);
      y[i] = from_float<T>(activated(activation, sum) + (residual ? to_float(residual[i]) : 0.0f));
    }
    return;
  }
  Vector<T> values = load_vector(y + first);
  if (addend != nullptr) {
    const Vector<T> more = load_vector(addend + first);
#pragma unroll
    for (int i = 0; i < kCount; ++i) values.values[i] += more.values[i];
  }
#pragma unroll
  for (int i = 0; i < kCount; ++i) values.values[i] = activated(activation, values.values[i]);
  if (residual != nullptr) {
    const Vector<T> more = load_vector(residual + first);
#pragma unroll
    for (int i = 0; i < kCount; ++i) values.values[i] += more.values[i];
  }
  store_vector(values, y + first);
}

template <typename T>
__global__ void copy_first(const T* x, const int32_t* cumulative_lengths, int64_t columns, T* y) {
  const int64_t sequence = blockIdx.x;
  const T* from = x + cumulative_lengths[sequence] * columns;
  for (int64_t c = threadIdx.x; c < columns; c += kThreads) y[sequence * columns + c] = from[c];
}

}  // namespace

void finish_linear(Activation activation, const void* addend, const void* residual, int64_t count,
                   Element type, void* y, cudaStream_t stream) {
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    finish<<<blocks_for(count, kThreads * Vector<T>::kCount), kThreads, 0, stream>>>(
        activation, static_cast<const T*>(addend), static_cast<const T*>(residual), count,
        static_cast<T*>(y));
  });
  check(cudaGetLastError(), "an activation");
}

void first_tokens(const void* x, const int32_t* cumulative_lengths, int64_t sequences, int64_t columns,
                  Element type, void* y, cudaStream_t stream) {
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    copy_first<<<static_cast<unsigned>(sequences), kThreads, 0, stream>>>(
        static_cast<const T*>(x), cumulative_lengths, columns, static_cast<T*>(y));
  });
  check(cudaGetLastError(), "taking first tokens");
}

}  // namespace valence::backend::cuda
