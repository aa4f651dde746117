// The narrow waist between models and machines: whole-tensor operations on packed batches.
//
// A batch is the concatenation of its sequences: `tokens` rows without padding, and
// cumulative_lengths [sequences + 1] with cumulative_lengths[0] = 0. All activations are fp32, row-major.
// Every operation computes a row from that row (and its sequence) alone, in an order of sums that does
// not depend on the number of rows: the same text gives the same bits in any batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace valence {
class ThreadPool;
}

namespace valence::backend {

enum class WeightType { kFp32, kBf16, kInt8, kNf4 };

// A matrix [out_features, in_features], row-major, as a checkpoint stores it.
struct MatrixSource {
  WeightType type = WeightType::kFp32;
  int64_t out_features = 0;
  int64_t in_features = 0;
  const float* fp32 = nullptr;        // kFp32: [out, in]
  const uint16_t* bf16 = nullptr;     // kBf16: [out, in]
  const int8_t* int8 = nullptr;       // kInt8: [out, in], symmetric, -127..127
  const float* row_scales = nullptr;  // kInt8: [out], weight = int8 * row_scale
  const uint8_t* nf4 = nullptr;       // kNf4: [out * in / 2], the first element of a pair in the high nibble
  const float* block_absmax = nullptr;  // kNf4: [ceil(out * in / 64)], restored from double quantization
  const float* codebook = nullptr;      // kNf4: [16]
};

// A matrix and its bias in the layout of the kernels. Owns its memory; the source may go away.
class Linear {
 public:
  virtual ~Linear() = default;
  virtual WeightType type() const = 0;
  virtual int64_t out_features() const = 0;
  virtual int64_t in_features() const = 0;
  virtual size_t bytes() const = 0;
};

// Rows that are looked up: a word table [rows, columns] in its stored type. kInt8 has one scale a row.
class Table {
 public:
  virtual ~Table() = default;
  virtual int64_t rows() const = 0;
  virtual int64_t columns() const = 0;
  virtual size_t bytes() const = 0;
};

// Key and value projections of a last layer of which only the first token of each sequence is read.
class FirstTokenProjection {
 public:
  virtual ~FirstTokenProjection() = default;
  virtual size_t bytes() const = 0;
};

enum class Activation { kNone, kGelu, kGeluTanh, kRelu, kTanh };  // kGelu: 0.5 x (1 + erf(x / sqrt 2))

struct Epilogue {
  Activation activation = Activation::kNone;
  const float* addend = nullptr;    // [rows, out], added before the activation; may not alias y
  const float* residual = nullptr;  // [rows, out], added after the activation; may not alias y
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string description() const = 0;  // "cpu avx2"

  // Converts `source` to `type` (int8: the scale absmax / 127 per row, or a larger one where an ISA without
  // VNNI needs it to sum exactly in 16 bits; NF4: blocks of 64 along the row-major order; from NF4 or int8 to
  // another type by way of fp32) and lays it out. bias [out] may be null. Errors: kBadConfig for an int8
  // matrix with more than 65,536 inputs.
  virtual std::unique_ptr<Linear> make_linear(const MatrixSource& source, WeightType type,
                                              const float* bias) = 0;
  // A table that keeps pointing to the values of the source (the mapped file), whose pages are read on
  // demand; row scales, block scales and the codebook are copied.
  virtual std::unique_ptr<Table> map_table(const MatrixSource& source) = 0;
  // A table converted to `type` in memory of its own.
  virtual std::unique_ptr<Table> make_table(const MatrixSource& source, WeightType type) = 0;
  virtual std::unique_ptr<FirstTokenProjection> make_first_token(const MatrixSource& key,
                                                                 const float* key_bias,
                                                                 const MatrixSource& value,
                                                                 const float* value_bias,
                                                                 WeightType type) = 0;

  // y [rows, out] = activation(x [rows, in] Wᵀ + bias + addend) + residual. int8: each row of x is quantized
  // symmetrically to int8 by its own absmax.
  virtual void linear(const Linear& weight, const float* x, int64_t rows, const Epilogue& epilogue,
                      float* y) = 0;
  // y [count, columns] = table[ids] (+ y when accumulate).
  virtual void gather(const Table& table, std::span<const int32_t> ids, bool accumulate, float* y) = 0;
  // x [rows, columns] = layer_norm(x) * gamma + beta, in place. Ba et al. 2016; biased variance.
  virtual void layer_norm(float* x, int64_t rows, int64_t columns, const float* gamma, const float* beta,
                          float epsilon) = 0;
  // Softmax(Q Kᵀ / sqrt(head_dim)) V for each head and sequence; qkv [tokens, 3 * heads * head_dim] holds
  // query, key, value side by side; output [tokens, heads * head_dim]. Online softmax over tiles of keys
  // (Dao et al. 2022): no tokens x tokens matrix is stored.
  virtual void attention(const float* qkv, std::span<const int32_t> cumulative_lengths, int heads,
                         int head_dim, float* output) = 0;
  // The same for the first token of each sequence only: query [sequences, hidden] already projected,
  // hidden [tokens, hidden] the layer's input; output [sequences, hidden]. The key projection is absorbed
  // into the query and the value projection applied to the pooled input.
  virtual void attention_first_token(const FirstTokenProjection& weight, const float* query,
                                     const float* hidden, std::span<const int32_t> cumulative_lengths,
                                     int heads, int head_dim, float* output) = 0;
};

// The CPU backend with the kernels of the best ISA of this machine, or of VALENCE_CPU_ISA (scalar, avx2,
// avx512, avx512vnni, avx512bf16; kUsage when unknown or absent here). One object per worker: it owns scratch
// memory and is not thread-safe; weights may be shared. With a pool, one operation uses several threads.
std::unique_ptr<Backend> make_cpu_backend(ThreadPool* pool = nullptr);

}  // namespace valence::backend
