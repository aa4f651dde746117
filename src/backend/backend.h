// The narrow waist between models and machines: whole-tensor operations on packed batches.
//
// A batch is the concatenation of its sequences: `tokens` rows without padding, and
// cumulative_lengths [sequences + 1] with cumulative_lengths[0] = 0. All activations are row-major.
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

// Where activations lie, in the memory and the type of a backend: fp32 values of this process for the CPU;
// fp32 or bf16 values of the GPU for CUDA. Only the backend that made them looks inside.
class Activations {
 public:
  Activations(float* host) : data_(host) {}  // NOLINT(google-explicit-constructor): the CPU's
  static Activations at(void* data) {
    Activations activations(nullptr);
    activations.data_ = data;
    return activations;
  }
  void* data() const { return data_; }
  float* fp32() const { return static_cast<float*>(data_); }

 private:
  void* data_;
};

class ConstActivations {
 public:
  // NOLINTBEGIN(google-explicit-constructor): as pointers convert
  ConstActivations(std::nullptr_t) {}
  ConstActivations(const float* host) : data_(host) {}
  ConstActivations(Activations activations) : data_(activations.data()) {}
  // NOLINTEND(google-explicit-constructor)
  const void* data() const { return data_; }
  const float* fp32() const { return static_cast<const float*>(data_); }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  const void* data_ = nullptr;
};

// Memory for activations.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual int64_t capacity() const = 0;  // values
  virtual Activations activations() = 0;
};

// Sequences side by side, without padding.
struct Batch {
  std::span<const int32_t> ids = {};                 // [tokens]
  std::span<const int32_t> positions = {};           // [tokens], rows of the position table
  std::span<const int32_t> cumulative_lengths = {};  // [sequences + 1]

  int64_t tokens() const { return cumulative_lengths.back(); }
  int64_t sequences() const { return static_cast<int64_t>(cumulative_lengths.size()) - 1; }
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

// Layer normalization (Ba et al. 2016): scale and shift of each column.
class Norm {
 public:
  virtual ~Norm() = default;
  virtual int64_t columns() const = 0;
};

// Key and value projections of a last layer of which only the first token of each sequence is read.
class FirstTokenProjection {
 public:
  virtual ~FirstTokenProjection() = default;
  virtual size_t bytes() const = 0;
};

// kGelu: 0.5 x (1 + erf(x / sqrt 2)); kSilu: x / (1 + exp(-x)), also called swish.
enum class Activation { kNone, kGelu, kGeluTanh, kRelu, kTanh, kSilu };

struct Epilogue {
  Activation activation = Activation::kNone;
  ConstActivations addend = nullptr;    // [rows, out], added before the activation; may not alias y
  ConstActivations residual = nullptr;  // [rows, out], added after the activation; may not alias y
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string description() const = 0;  // "cpu avx2"
  // Tokens of a batch that keep the kernels busy while the activations stay in cache.
  virtual int64_t batch_tokens() const = 0;

  // The type that weights stored as `stored` are kept in where nobody asks for one.
  virtual WeightType kept_as(WeightType stored) const = 0;

  // Converts `source` to `type` (int8: the scale absmax / 127 per row, or a larger one where an ISA without
  // VNNI needs it to sum exactly in 16 bits; NF4: blocks of 64 along the row-major order; from NF4 or int8 to
  // another type by way of fp32) and lays it out. bias [out] may be null. Errors: kBadConfig for an int8
  // matrix with more than 65,536 inputs; kUsage for a type that the backend does not have.
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

  virtual std::unique_ptr<Norm> make_norm(std::span<const float> gamma, std::span<const float> beta,
                                          float epsilon) = 0;
  // Room for `count` values. Errors: kNoMemory, naming sizes.
  virtual std::unique_ptr<Buffer> make_buffer(int64_t count) = 0;

  // The batch that the operations below are about, until the next one; its spans must stay until then.
  virtual void begin(const Batch& batch) = 0;

  // y [tokens, columns] = norm(words[ids] + positions[positions]).
  virtual void embed(const Table& words, const Table& positions, const Norm& norm, Activations y) = 0;
  // y [rows, out] = activation(x [rows, in] Wᵀ + bias + addend) + residual. int8: each row of x is quantized
  // symmetrically to int8 by its own absmax.
  virtual void linear(const Linear& weight, ConstActivations x, int64_t rows, const Epilogue& epilogue,
                      Activations y) = 0;
  // x [rows, columns] = norm(x), in place; biased variance.
  virtual void normalize(const Norm& norm, int64_t rows, Activations x) = 0;
  // Softmax(Q Kᵀ / sqrt(head_dim)) V for each head and sequence; qkv [tokens, 3 * heads * head_dim] holds
  // query, key, value side by side; output [tokens, heads * head_dim]. Online softmax over tiles of keys
  // (Dao et al. 2022): no tokens x tokens matrix is stored.
  virtual void attention(ConstActivations qkv, int heads, int head_dim, Activations output) = 0;
  virtual void copy(ConstActivations from, int64_t count, Activations to) = 0;
  // y [sequences, columns]: the first row of each sequence of x [tokens, columns].
  virtual void first_tokens(ConstActivations x, int64_t columns, Activations y) = 0;
  // Attention for the first token of each sequence only: query [sequences, hidden] already projected, hidden
  // [tokens, hidden] the layer's input; output [sequences, hidden].
  virtual void attention_first_token(const FirstTokenProjection& weight, ConstActivations query,
                                     ConstActivations hidden, int heads, int head_dim,
                                     Activations output) = 0;
  // y [rows, out] = x Wᵀ + bias, in fp32 and in this process's memory: the last operation of a batch, which
  // waits for all before it.
  virtual void logits(const Linear& weight, ConstActivations x, int64_t rows, std::span<float> y) = 0;
};

// The CPU backend with the kernels of the best ISA of this machine, or of VALENCE_CPU_ISA (scalar, avx2,
// avx512, avx512vnni, avx512bf16, amx; kUsage when unknown or absent here). One object per worker: it owns
// scratch memory and is not thread-safe; weights may be shared. With a pool, one operation uses several
// threads.
std::unique_ptr<Backend> make_cpu_backend(ThreadPool* pool = nullptr);

}  // namespace valence::backend
