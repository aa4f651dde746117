#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kKeysAtOnce = 4;  // independent sums in flight

// A warp for each query and head; its lanes hold values lane, lane + 32, .. of the head.
template <typename T, int kValues>
__global__ void attend(PlainAttention a) {
  const AttentionTile tile = a.tiles[blockIdx.x];
  const int head = blockIdx.y, warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const int64_t offset = static_cast<int64_t>(head) * a.head_dim;
  const int queries = a.first_only ? 1 : min(kQueryTile, tile.length - tile.first_query);
  const float scale = rsqrtf(static_cast<float>(a.head_dim)) * 1.44269504088896341f;
  const T* keys = static_cast<const T*>(a.key) + tile.begin * a.key_stride + offset;
  const T* values = static_cast<const T*>(a.value) + tile.begin * a.key_stride + offset;
  for (int q = warp; q < queries; q += kWarps) {
    const int64_t row = a.first_only ? tile.sequence : tile.begin + tile.first_query + q;
    const T* query = static_cast<const T*>(a.query) + row * a.query_stride + offset;
    float part[kValues], sum[kValues] = {};
#pragma unroll
    for (int v = 0; v < kValues; ++v) {
      const int d = v * kWarp + lane;
      part[v] = d < a.head_dim ? to_float(query[d]) * scale : 0.0f;
    }
    float largest = -INFINITY, total = 0;
    for (int first = 0; first < tile.length; first += kKeysAtOnce) {
      float score[kKeysAtOnce];
#pragma unroll
      for (int k = 0; k < kKeysAtOnce; ++k) {
        score[k] = 0;
        const T* key = keys + min(first + k, tile.length - 1) * a.key_stride;
#pragma unroll
        for (int v = 0; v < kValues; ++v) {
          const int d = v * kWarp + lane;
          if (d < a.head_dim) score[k] += part[v] * to_float(key[d]);
        }
      }
      float largest_now = largest;
#pragma unroll
      for (int k = 0; k < kKeysAtOnce; ++k) {
        score[k] = warp_sum(score[k]);
        if (first + k >= tile.length) score[k] = -INFINITY;
        largest_now = fmaxf(largest_now, score[k]);
      }
      const float correction = exp2f(largest - largest_now);
      largest = largest_now;
      total *= correction;
#pragma unroll
      for (int v = 0; v < kValues; ++v) sum[v] *= correction;
#pragma unroll
      for (int k = 0; k < kKeysAtOnce; ++k) {
        const float weight = exp2f(score[k] - largest);
        total += weight;
        const T* value = values + min(first + k, tile.length - 1) * a.key_stride;
#pragma unroll
        for (int v = 0; v < kValues; ++v) {
          const int d = v * kWarp + lane;
          if (d < a.head_dim) sum[v] += weight * to_float(value[d]);
        }
      }
    }
    T* out = static_cast<T*>(a.output) + row * (static_cast<int64_t>(a.heads) * a.head_dim) + offset;
#pragma unroll
    for (int v = 0; v < kValues; ++v) {
      const int d = v * kWarp + lane;
      if (d < a.head_dim) out[d] = from_float<T>(sum[v] / total);
    }
  }
}

}  // namespace

void attention_plain(const PlainAttention& attention, Element type, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(attention.tile_count), static_cast<unsigned>(attention.heads));
  const int threads = (attention.first_only ? 1 : kWarps) * kWarp;
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    if (attention.head_dim <= 64) {
      attend<T, 2><<<grid, threads, 0, stream>>>(attention);
    } else if (attention.head_dim <= 128) {
      attend<T, 4><<<grid, threads, 0, stream>>>(attention);
    } else {
      attend<T, kLargestHead / kWarp><<<grid, threads, 0, stream>>>(attention);
    }
  });
  check(cudaGetLastError(), "attention");
}

}  // namespace valence::backend::cuda
