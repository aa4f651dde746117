#include "backend/cuda/training_kernels.h"
#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

struct Moments {
  float first, second;
};

__device__ void update(const AdamWFactors& f, float gradient, Moments& moments, float& weight) {
  const float g = gradient * f.gradient_scale;
  moments.first += (1 - f.beta1) * (g - moments.first);
  moments.second = f.beta2 * moments.second + (1 - f.beta2) * g * g;
  weight = weight * f.kept - f.rate * moments.first / (sqrtf(moments.second) * f.root + f.epsilon);
}

__global__ void step(AdamWFactors factors, AdamWParts parts, float* first, float* second) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= parts.count) return;
  Moments moments{first[i], second[i]};
  update(factors, parts.gradient[i], moments, parts.weights[i]);
  first[i] = moments.first;
  second[i] = moments.second;
}

__device__ float block_largest(float value, float* shared) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));
  if (lane == 0) shared[warp] = value;
  __syncthreads();
  float largest = 0;
#pragma unroll
  for (int w = 0; w < kMomentBlock / kWarp; ++w) largest = fmaxf(largest, shared[w]);
  __syncthreads();
  return largest;
}

// The code nearest to a value of [-1, 1], the lower of two equally near: the number of midpoints below it.
__device__ uint8_t nearest(const float* map, float value) {
  int low = 0, high = 255;
  while (low < high) {
    const int middle = (low + high) / 2;
    if ((map[middle] + map[middle + 1]) / 2 < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return static_cast<uint8_t>(low);
}

// A thread for each value of a block of moments.
__global__ void step_8bit(AdamWFactors factors, AdamWParts parts, Moment8Bit first, Moment8Bit second,
                          const float* maps) {
  __shared__ float map[2][256];
  __shared__ float largest[kMomentBlock / kWarp];
  const int thread = threadIdx.x;
  map[0][thread] = maps[thread];
  map[1][thread] = maps[256 + thread];
  __syncthreads();
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kMomentBlock + thread;
  Moments moments{0, 0};
  if (i < parts.count) {
    moments = {map[0][first.codes[i]] * first.scales[blockIdx.x],
               map[1][second.codes[i]] * second.scales[blockIdx.x]};
    update(factors, parts.gradient[i], moments, parts.weights[i]);
  }
  const float scales[2] = {block_largest(fabsf(moments.first), largest),
                           block_largest(fabsf(moments.second), largest)};
  if (thread == 0) {
    first.scales[blockIdx.x] = scales[0];
    second.scales[blockIdx.x] = scales[1];
  }
  if (i >= parts.count) return;
  first.codes[i] = nearest(map[0], moments.first * (scales[0] > 0 ? 1 / scales[0] : 0.0f));
  second.codes[i] = nearest(map[1], moments.second * (scales[1] > 0 ? 1 / scales[1] : 0.0f));
}

}  // namespace

void adamw(const AdamWFactors& factors, const AdamWParts& parts, float* first, float* second,
           cudaStream_t stream) {
  step<<<blocks_for(parts.count, 256), 256, 0, stream>>>(factors, parts, first, second);
  check(cudaGetLastError(), "an update");
}

void adamw_8bit(const AdamWFactors& factors, const AdamWParts& parts, const Moment8Bit& first,
                const Moment8Bit& second, const float* maps, cudaStream_t stream) {
  static_assert(kMomentBlock == 256);
  step_8bit<<<blocks_for(parts.count, kMomentBlock), kMomentBlock, 0, stream>>>(factors, parts, first, second,
                                                                                maps);
  check(cudaGetLastError(), "an update");
}

}  // namespace valence::backend::cuda
