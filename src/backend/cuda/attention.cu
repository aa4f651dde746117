// Attention on the tensor cores for packed sequences, without a matrix of queries x keys (FlashAttention-2,
// Dao 2023).
//
// A block takes 64 queries of one sequence and head, 16 for each of its four warps; keys and values pass by
// in tiles of
// 64. The products are mma.m16n8k16 on bf16 with sums in fp32: scores = Q Kᵀ, then output += P V with P
// rounded to bf16. Keys are taken in order from the first of the sequence, so an answer does not depend on
// the batch.
#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

using Bf16 = __nv_bfloat16;

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * kWarp;
constexpr int kKeyTile = 64;
constexpr int kChunk = 8;  // values of a 16-byte access
static_assert(kQueryTile == kWarps * 16);

// Where the chunk of a row lies in shared memory: rows of kHead values whose chunks are permuted, so that the
// eight rows that a matrix load reads at once lie in different banks.
template <int kHead>
__device__ int place(int row, int chunk) {
  constexpr int kChunks = kHead / kChunk;
  const int turn = kChunks == 8 ? row : row / 2;
  return row * kHead + ((chunk ^ turn) % kChunks) * kChunk;
}

__device__ void copy_async(Bf16* to, const Bf16* from, bool valid) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  const int bytes = valid ? 16 : 0;  // the rest becomes zero
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(address), "l"(from), "r"(bytes));
}
__device__ void wait_for_copies() {
  asm volatile("cp.async.commit_group;\ncp.async.wait_group 0;\n" ::: "memory");
}

__device__ void load_matrices(uint32_t (&r)[4], const Bf16* row) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}
__device__ void load_matrices_transposed(uint32_t (&r)[4], const Bf16* row) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

// sum [16, 8] += a [16, 16] x b [16, 8].
__device__ void multiply_add(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};\n"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ uint32_t pair(float low, float high) {
  const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&both);
}

// Over the four lanes that share a row of a product.
__device__ float row_largest(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 2));
}
__device__ float row_sum(float value) {
  value += __shfl_xor_sync(0xffffffffu, value, 1);
  return value + __shfl_xor_sync(0xffffffffu, value, 2);
}

// Rows [0, count) of 64 from `from`, the others zero.
template <int kHead>
__device__ void load_tile(const Bf16* from, int64_t stride, int count, Bf16* tile) {
  constexpr int kChunks = kHead / kChunk;
  const int used = min(64, (count + 15) / 16 * 16);  // no more is read of it
#pragma unroll
  for (int i = threadIdx.x; i < 64 * kChunks; i += kThreads) {
    const int row = i / kChunks, chunk = i % kChunks;
    if (row >= used) break;
    const bool valid = row < count;
    copy_async(tile + place<kHead>(row, chunk), from + (valid ? row : 0) * stride + chunk * kChunk, valid);
  }
}

// What a warp carries from tile to tile for its 16 queries. A lane holds two rows' values of each part of a
// product: rows lane / 4 and lane / 4 + 8, columns lane % 4 * 2 and the next.
template <int kHead>
struct Queries {
  static constexpr int kSteps = kHead / 16;  // of the first product's depth
  static constexpr int kParts = kHead / 8;   // of the output's columns
  uint32_t values[kSteps][4];
  float sum[kParts][4] = {};
  float largest[2] = {-INFINITY, -INFINITY}, total[2] = {};
};
using Scores = float[kKeyTile / 8][4];  // of 16 queries and 64 keys, eight keys a part

// score = Q Kᵀ for the first `keys` keys of the tile.
template <int kHead>
__device__ __forceinline__ void multiply_keys(const Queries<kHead>& queries, const Bf16* key_tile, int keys,
                                              Scores& score) {
  const int lane = threadIdx.x % kWarp;
#pragma unroll
  for (int n = 0; n < kKeyTile / 8; n += 2) {
#pragma unroll
    for (int i = 0; i < 4; ++i) score[n][i] = score[n + 1][i] = 0;
    if (n * 8 >= keys) continue;
#pragma unroll
    for (int step = 0; step < Queries<kHead>::kSteps; ++step) {
      uint32_t key[4];  // keys n * 8 + 0..7 and 8..15, each with the two halves of the depth
      load_matrices(key, key_tile + place<kHead>(n * 8 + lane % 8 + lane / 16 * 8, 2 * step + lane / 8 % 2));
      multiply_add(score[n], queries.values[step], key[0], key[1]);
      multiply_add(score[n + 1], queries.values[step], key[2], key[3]);
    }
  }
}

// Scales the scores, and what was summed so far to the largest of them all.
template <int kHead>
__device__ __forceinline__ void raise_largest(Queries<kHead>& queries, int keys, Scores& score) {
  const float scale = rsqrtf(static_cast<float>(kHead)) * 1.44269504088896341f;  // exponentials of two
  float now[2] = {queries.largest[0], queries.largest[1]};
#pragma unroll
  for (int n = 0; n < kKeyTile / 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool inside = n * 8 + static_cast<int>(threadIdx.x) % 4 * 2 + i % 2 < keys;
      score[n][i] = inside ? score[n][i] * scale : -INFINITY;
      now[i / 2] = fmaxf(now[i / 2], score[n][i]);
    }
  }
  float correction[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    now[r] = row_largest(now[r]);
    correction[r] = exp2f(queries.largest[r] - now[r]);
    queries.largest[r] = now[r];
    queries.total[r] *= correction[r];
  }
#pragma unroll
  for (int p = 0; p < Queries<kHead>::kParts; ++p) {
#pragma unroll
    for (int i = 0; i < 4; ++i) queries.sum[p][i] *= correction[i / 2];
  }
}

// sum += exp2(score - largest) V.
template <int kHead>
__device__ __forceinline__ void add_values(Queries<kHead>& queries, const Bf16* value_tile, int keys,
                                           Scores& score) {
  const int lane = threadIdx.x % kWarp;
#pragma unroll
  for (int n = 0; n < kKeyTile / 8; n += 2) {
    if (n * 8 >= keys) continue;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        score[n + half][i] = exp2f(score[n + half][i] - queries.largest[i / 2]);
        queries.total[i / 2] += score[n + half][i];
      }
    }
    // The two parts of the scores are the left factor of 16 keys.
    const uint32_t weights[4] = {pair(score[n][0], score[n][1]), pair(score[n][2], score[n][3]),
                                 pair(score[n + 1][0], score[n + 1][1]),
                                 pair(score[n + 1][2], score[n + 1][3])};
#pragma unroll
    for (int p = 0; p < Queries<kHead>::kParts; p += 2) {
      uint32_t value[4];  // both halves of the 16 keys, for columns p * 8 + 0..7 and 8..15
      load_matrices_transposed(value, value_tile + place<kHead>(n * 8 + lane % 16, p + lane / 16));
      multiply_add(queries.sum[p], weights, value[0], value[1]);
      multiply_add(queries.sum[p + 1], weights, value[2], value[3]);
    }
  }
}

// Writes `count` rows to `output`, by way of the warp's own 16 rows of shared memory, for whole 16-byte
// stores.
template <int kHead>
__device__ __forceinline__ void store(const Queries<kHead>& queries, int warp_row, int count, Bf16* tile,
                                      Bf16* output, int64_t stride) {
  const int lane = threadIdx.x % kWarp;
  const float inverse[2] = {1 / row_sum(queries.total[0]), 1 / row_sum(queries.total[1])};
#pragma unroll
  for (int p = 0; p < Queries<kHead>::kParts; ++p) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      Bf16* to = tile + place<kHead>(warp_row + lane / 4 + 8 * r, p) + lane % 4 * 2;
      *reinterpret_cast<uint32_t*>(to) =
          pair(queries.sum[p][2 * r] * inverse[r], queries.sum[p][2 * r + 1] * inverse[r]);
    }
  }
  __syncwarp();
  constexpr int kChunks = kHead / kChunk;
#pragma unroll
  for (int i = lane; i < 16 * kChunks; i += kWarp) {
    const int row = warp_row + i / kChunks, chunk = i % kChunks;
    if (row >= count) break;
    *reinterpret_cast<uint4*>(output + row * stride + chunk * kChunk) =
        *reinterpret_cast<const uint4*>(tile + place<kHead>(row, chunk));
  }
}

template <int kHead>
__global__ void __launch_bounds__(kThreads)
    attend(const Bf16* qkv, const AttentionTile* tiles, int heads, Bf16* output) {
  __shared__ __align__(128) Bf16 query_tile[kQueryTile * kHead];
  __shared__ __align__(128) Bf16 key_tile[kKeyTile * kHead];
  __shared__ __align__(128) Bf16 value_tile[kKeyTile * kHead];

  const AttentionTile tile = tiles[blockIdx.x];
  const int head = blockIdx.y, lane = threadIdx.x % kWarp, warp_row = threadIdx.x / kWarp * 16;
  const int64_t hidden = static_cast<int64_t>(heads) * kHead, stride = 3 * hidden;
  const Bf16* base = qkv + tile.begin * stride + head * kHead;
  const int count = min(kQueryTile, tile.length - tile.first_query);
  const bool busy = warp_row < count;

  load_tile<kHead>(base + tile.first_query * stride, stride, count, query_tile);
  Queries<kHead> queries;
  for (int first = 0; first < tile.length; first += kKeyTile) {
    const int keys = min(kKeyTile, tile.length - first);
    if (first > 0) __syncthreads();  // the tile before is done with
    load_tile<kHead>(base + hidden + first * stride, stride, keys, key_tile);
    load_tile<kHead>(base + 2 * hidden + first * stride, stride, keys, value_tile);
    wait_for_copies();
    __syncthreads();
    if (!busy) continue;
    if (first == 0) {
#pragma unroll
      for (int step = 0; step < Queries<kHead>::kSteps; ++step) {
        load_matrices(queries.values[step],
                      query_tile + place<kHead>(warp_row + lane % 16, 2 * step + lane / 16));
      }
    }
    Scores score;
    multiply_keys(queries, key_tile, keys, score);
    raise_largest(queries, keys, score);
    add_values(queries, value_tile, keys, score);
  }
  if (busy)
    store(queries, warp_row, count, query_tile,
          output + (tile.begin + tile.first_query) * hidden + head * kHead, hidden);
}

}  // namespace

bool has_fast_attention(int head_dim) { return head_dim == 32 || head_dim == 64; }

void attention_bf16(const void* qkv, const AttentionTile* tiles, int64_t tile_count, int heads, int head_dim,
                    void* output, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(tile_count), static_cast<unsigned>(heads));
  const Bf16* from = static_cast<const Bf16*>(qkv);
  if (head_dim == 32) {
    attend<32><<<grid, kThreads, 0, stream>>>(from, tiles, heads, static_cast<Bf16*>(output));
  } else {
    attend<64><<<grid, kThreads, 0, stream>>>(from, tiles, heads, static_cast<Bf16*>(output));
  }
  check(cudaGetLastError(), "attention");
}

}  // namespace valence::backend::cuda
