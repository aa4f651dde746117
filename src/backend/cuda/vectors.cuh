// Values of either type, 16 bytes at a time, and sums over a warp.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "backend/cuda/device.h"
#include "backend/cuda/kernels.h"

namespace valence::backend::cuda {

constexpr int kWarp = 32;

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }
template <typename T>
__device__ T from_float(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    return __float2bfloat16_rn(value);
  }
}

// As many values as fit 16 bytes.
template <typename T>
struct Vector {
  static constexpr int kCount = 16 / sizeof(T);
  float values[kCount];
};

template <typename T>
__device__ Vector<T> load_vector(const T* from) {
  Vector<T> out;
  const uint4 raw = *reinterpret_cast<const uint4*>(from);
  const T* parts = reinterpret_cast<const T*>(&raw);
#pragma unroll
  for (int i = 0; i < Vector<T>::kCount; ++i) out.values[i] = to_float(parts[i]);
  return out;
}

template <typename T>
__device__ void store_vector(const Vector<T>& vector, T* to) {
  uint4 raw;
  T* parts = reinterpret_cast<T*>(&raw);
#pragma unroll
  for (int i = 0; i < Vector<T>::kCount; ++i) parts[i] = from_float<T>(vector.values[i]);
  *reinterpret_cast<uint4*>(to) = raw;
}

__device__ inline float warp_sum(float value) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
  return value;
}

// Calls launch(T()) with the type that `type` names.
template <typename Launch>
void with_type(Element type, const Launch& launch) {
  if (type == Element::kFp32) {
    launch(float());
  } else {
    launch(__nv_bfloat16());
  }
}

inline unsigned blocks_for(int64_t count, int64_t per_block) {
  return static_cast<unsigned>((count + per_block - 1) / per_block);
}

}  // namespace valence::backend::cuda
