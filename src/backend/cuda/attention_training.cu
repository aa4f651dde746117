// Attention forward and backward in fp32 without a matrix of queries x keys (Dao et al. 2022): the backward
// pass computes the probabilities again from the logarithm of each query's sum. A warp takes a query (or, for
// the gradients of keys and values, a key) of one head; its lanes hold values lane, lane + 32, .. of the
// head.
#include "backend/cuda/dropout.cuh"
#include "backend/cuda/training_kernels.h"
#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

constexpr int kWarps = 8;

// One head of one sequence.
struct Place {
  __device__ Place(const TrainingAttention& a, const AttentionTile& tile)
      : head(blockIdx.y),
        offset(static_cast<int64_t>(blockIdx.y) * a.head_dim),
        hidden(static_cast<int64_t>(a.heads) * a.head_dim),
        first_query(a.first_only ? tile.sequence : tile.begin),
        queries(a.first_only ? 1 : tile.length),
        keys(a.key_value + tile.begin * 2 * hidden + offset),
        scale(rsqrtf(static_cast<float>(a.head_dim))) {
    if (a.probabilities != nullptr) {
      probabilities = a.probabilities + head * a.all_pairs + a.pair_begins[tile.sequence];
    }
  }
  // Of a dropout: a row of a query has a place for each key of its sequence.
  __device__ uint64_t place(const TrainingAttention& a, int64_t query, int key) const {
    return (static_cast<uint64_t>((first_query + query) * a.heads + head) << 20) + static_cast<uint64_t>(key);
  }

  int64_t head, offset, hidden, first_query, queries;
  const float* keys;
  float scale;
  float* probabilities = nullptr;  // [queries, keys]
};

template <int kValues>
struct Row {
  float values[kValues];
  __device__ void load(const float* from, int dim) {
#pragma unroll
    for (int v = 0; v < kValues; ++v) {
      const int d = v * kWarp + threadIdx.x % kWarp;
      values[v] = d < dim ? from[d] : 0.0f;
    }
  }
  __device__ void store(float* to, int dim, float factor) const {
#pragma unroll
    for (int v = 0; v < kValues; ++v) {
      const int d = v * kWarp + threadIdx.x % kWarp;
      if (d < dim) to[d] = values[v] * factor;
    }
  }
  __device__ void add(float factor, const Row& other) {
#pragma unroll
    for (int v = 0; v < kValues; ++v) values[v] += factor * other.values[v];
  }
  __device__ float dot(const Row& other) const {
    float sum = 0;
#pragma unroll
    for (int v = 0; v < kValues; ++v) sum += values[v] * other.values[v];
    return warp_sum(sum);
  }
};

template <int kValues>
__global__ void forward(TrainingAttention a) {
  const AttentionTile tile = a.tiles[blockIdx.x];
  const Place place(a, tile);
  const int end = a.first_only ? 1 : min(tile.first_query + kQueryTile, tile.length);
  for (int q = tile.first_query + threadIdx.x / kWarp; q < end; q += kWarps) {
    const int64_t row = place.first_query + q;
    Row<kValues> query, key, sum;
    query.load(a.query + row * place.hidden + place.offset, a.head_dim);
#pragma unroll
    for (int v = 0; v < kValues; ++v) sum.values[v] = 0;
    float largest = -INFINITY, total = 0;
    for (int k = 0; k < tile.length; ++k) {
      const float* at = place.keys + k * 2 * place.hidden;
      key.load(at, a.head_dim);
      const float score = query.dot(key) * place.scale;
      const float now = fmaxf(largest, score), correction = expf(largest - now), weight = expf(score - now);
      largest = now;
      total = total * correction + weight;
      const float kept = a.dropout.rate > 0 ? weight * drop_factor(a.dropout, place.place(a, q, k)) : weight;
      if (place.probabilities != nullptr && threadIdx.x % kWarp == 0)
        place.probabilities[static_cast<int64_t>(q) * tile.length + k] = score;  // a probability below
      key.load(at + place.hidden, a.head_dim);
#pragma unroll
      for (int v = 0; v < kValues; ++v) sum.values[v] = sum.values[v] * correction + kept * key.values[v];
    }
    sum.store(a.output + row * place.hidden + place.offset, a.head_dim, 1 / total);
    const float log_sum = largest + logf(total);
    if (threadIdx.x % kWarp == 0) a.log_sums[place.head * a.queries + row] = log_sum;
    if (place.probabilities == nullptr) continue;
    __syncwarp();
    for (int k = threadIdx.x % kWarp; k < tile.length; k += kWarp) {
      float& kept = place.probabilities[static_cast<int64_t>(q) * tile.length + k];
      kept = expf(kept - log_sum);
    }
  }
}

// dots = output . d_output, and d_query.
template <int kValues>
__global__ void backward_queries(TrainingAttention a) {
  const AttentionTile tile = a.tiles[blockIdx.x];
  const Place place(a, tile);
  const int end = a.first_only ? 1 : min(tile.first_query + kQueryTile, tile.length);
  for (int q = tile.first_query + threadIdx.x / kWarp; q < end; q += kWarps) {
    const int64_t row = place.first_query + q, at = row * place.hidden + place.offset;
    Row<kValues> query, d_output, key, value, sum;
    query.load(a.query + at, a.head_dim);
    d_output.load(a.d_output + at, a.head_dim);
    value.load(a.output + at, a.head_dim);
    const float dot = value.dot(d_output), log_sum = a.log_sums[place.head * a.queries + row];
    if (threadIdx.x % kWarp == 0) a.dots[place.head * a.queries + row] = dot;
#pragma unroll
    for (int v = 0; v < kValues; ++v) sum.values[v] = 0;
    for (int k = 0; k < tile.length; ++k) {
      key.load(place.keys + k * 2 * place.hidden, a.head_dim);
      value.load(place.keys + k * 2 * place.hidden + place.hidden, a.head_dim);
      const float probability = place.probabilities != nullptr
                                    ? place.probabilities[static_cast<int64_t>(q) * tile.length + k]
                                    : expf(query.dot(key) * place.scale - log_sum);
      float d = d_output.dot(value);
      if (a.dropout.rate > 0) d *= drop_factor(a.dropout, place.place(a, q, k));
      sum.add(probability * (d - dot) * place.scale, key);
    }
    sum.store(a.d_query + at, a.head_dim, 1);
  }
}

template <int kValues>
__global__ void backward_keys(TrainingAttention a) {
  const AttentionTile tile = a.key_tiles[blockIdx.x];
  const Place place(a, tile);
  const int end = min(tile.first_query + kQueryTile, tile.length);
  for (int k = tile.first_query + threadIdx.x / kWarp; k < end; k += kWarps) {
    Row<kValues> query, d_output, key, value, d_key, d_value;
    key.load(place.keys + k * 2 * place.hidden, a.head_dim);
    value.load(place.keys + k * 2 * place.hidden + place.hidden, a.head_dim);
#pragma unroll
    for (int v = 0; v < kValues; ++v) d_key.values[v] = d_value.values[v] = 0;
    for (int q = 0; q < place.queries; ++q) {
      const int64_t row = place.first_query + q, at = row * place.hidden + place.offset;
      query.load(a.query + at, a.head_dim);
      d_output.load(a.d_output + at, a.head_dim);
      const float probability =
          place.probabilities != nullptr
              ? place.probabilities[static_cast<int64_t>(q) * tile.length + k]
              : expf(query.dot(key) * place.scale - a.log_sums[place.head * a.queries + row]);
      const float factor = a.dropout.rate > 0 ? drop_factor(a.dropout, place.place(a, q, k)) : 1.0f;
      d_value.add(probability * factor, d_output);
      const float d = d_output.dot(value) * factor - a.dots[place.head * a.queries + row];
      d_key.add(probability * d * place.scale, query);
    }
    float* to = a.d_key_value + (tile.begin + k) * 2 * place.hidden + place.offset;
    d_key.store(to, a.head_dim, 1);
    d_value.store(to + place.hidden, a.head_dim, 1);
  }
}

// Calls launch(constant) with the values that a lane holds.
template <typename Launch>
void with_values(int head_dim, const Launch& launch) {
  if (head_dim <= 32) return launch(std::integral_constant<int, 1>());
  if (head_dim <= 64) return launch(std::integral_constant<int, 2>());
  if (head_dim <= 128) return launch(std::integral_constant<int, 4>());
  launch(std::integral_constant<int, kLargestHead / kWarp>());
}

}  // namespace

void attention_forward(const TrainingAttention& attention, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(attention.tile_count), static_cast<unsigned>(attention.heads));
  with_values(attention.head_dim,
              [&](auto values) { forward<values.value><<<grid, kWarps * kWarp, 0, stream>>>(attention); });
  check(cudaGetLastError(), "attention");
}

void attention_backward(const TrainingAttention& attention, cudaStream_t stream) {
  const auto heads = static_cast<unsigned>(attention.heads);
  const dim3 queries(static_cast<unsigned>(attention.tile_count), heads);
  const dim3 keys(static_cast<unsigned>(attention.key_tile_count), heads);
  with_values(attention.head_dim, [&](auto values) {
    backward_queries<values.value><<<queries, kWarps * kWarp, 0, stream>>>(attention);
    backward_keys<values.value><<<keys, kWarps * kWarp, 0, stream>>>(attention);
  });
  check(cudaGetLastError(), "attention's gradient");
}

}  // namespace valence::backend::cuda
