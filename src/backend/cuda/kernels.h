// The kernels of the CUDA backend, one file for each operation. Pointers are to GPU memory; `type` is that of
// all activations. Each launch is queued on `stream`.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backend/backend.h"

namespace valence::backend::cuda {

enum class Element { kFp32, kBf16 };
inline int64_t bytes_of(Element type) { return type == Element::kFp32 ? 4 : 2; }

// Queries [first_query, first_query + kQueryTile) of the sequence that lies at rows [begin, begin + length).
struct AttentionTile {
  int32_t begin = 0, length = 0, first_query = 0, sequence = 0;
};
constexpr int32_t kQueryTile = 64;

// convert.cu: [rows, columns] of a stored type into activations' type. The source's pointers are to GPU
// memory.
void convert(const MatrixSource& source, Element type, void* out, cudaStream_t stream);

// embed.cu: y [tokens, columns] = norm(words[ids] + positions[positions]); tables [.., columns] of `type`.
struct EmbedInput {
  const int32_t* ids = nullptr;
  const int32_t* positions = nullptr;
  const void* words = nullptr;
  const void* position_rows = nullptr;
  int64_t tokens = 0, columns = 0;
};
struct NormWeights {
  const float* gamma = nullptr;  // [columns]
  const float* beta = nullptr;
  float epsilon = 0;
};
void embed(const EmbedInput& input, const NormWeights& norm, Element type, void* y, cudaStream_t stream);

// normalize.cu: x [rows, columns] = norm(x).
void normalize(const NormWeights& norm, int64_t rows, int64_t columns, Element type, void* x,
               cudaStream_t stream);

// attention.cu: bf16, heads of 32 or 64 values, on the tensor cores; qkv [tokens, 3 * hidden].
bool has_fast_attention(int head_dim);
void attention_bf16(const void* qkv, const AttentionTile* tiles, int64_t tile_count, int heads, int head_dim,
                    void* output, cudaStream_t stream);

// attention_plain.cu: any type and head, a warp for each query. `first_only`: query [sequences, hidden], and
// one tile for each sequence; else every token is a query.
struct PlainAttention {
  const void* query = nullptr;
  int64_t query_stride = 0;  // values from row to row
  const void* key = nullptr;
  const void* value = nullptr;
  int64_t key_stride = 0;  // of keys and of values
  const AttentionTile* tiles = nullptr;
  int64_t tile_count = 0;
  bool first_only = false;
  int heads = 0, head_dim = 0;
  void* output = nullptr;  // [queries, hidden]
};
constexpr int kLargestHead = 256;
void attention_plain(const PlainAttention& attention, Element type, cudaStream_t stream);

// elementwise.cu: y = activation(y + addend) + residual; either may be null.
void finish_linear(Activation activation, const void* addend, const void* residual, int64_t count,
                   Element type, void* y, cudaStream_t stream);
// y [sequences, columns] = the first row of each sequence of x.
void first_tokens(const void* x, const int32_t* cumulative_lengths, int64_t sequences, int64_t columns,
                  Element type, void* y, cudaStream_t stream);

// logits.cu: y [rows, out] = x [rows, in] Wᵀ + bias in fp32; weight [out, in] of `type`, bias may be null.
void logits(const void* x, const void* weight, const float* bias, int64_t rows, int64_t in, int64_t out,
            Element type, float* y, cudaStream_t stream);

}  // namespace valence::backend::cuda
