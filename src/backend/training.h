// What training asks of a machine beyond inference: whole-tensor operations forward and backward, on fp32
// activations of packed batches (backend.h). All matrices are row-major and lie in memory of the backend, as
// all pointers that are not said to be the host's. Every sum is taken in an order that does not depend on the
// number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "backend/backend.h"

namespace valence::backend {

// c [rows, columns] = a [rows, depth] x b [depth, columns] + bias.
struct Product {
  const float* a = nullptr;  // [rows, depth], or [depth, rows] when transposed
  int64_t a_stride = 0;      // values from one of its stored rows to the next
  bool a_transposed = false;
  MatrixSource b;  // as stored: [depth, columns], or [columns, depth] when transposed; not kInt8
  bool b_transposed = false;
  int64_t rows = 0;
  const float* bias = nullptr;  // [columns] or null
  bool accumulate = false;      // add to what c holds
  bool bf16 = false;  // both factors rounded to bf16 where the machine multiplies those, summed in fp32
  float* c = nullptr;
  int64_t c_stride = 0;

  int64_t depth() const { return b_transposed ? b.in_features : b.out_features; }
  int64_t columns() const { return b_transposed ? b.out_features : b.in_features; }
};

// Inverted dropout (Srivastava et al. 2014): a value is dropped or divided by 1 - rate, as a hash of `key`
// and its place decides. The same key gives the same choice again, so no mask is stored.
struct Dropout {
  float rate = 0;
  uint64_t key = 0;
};

// Queries of each sequence: all of its tokens, or its first one only.
struct AttentionShape {
  std::span<const int32_t> cumulative_lengths;  // [sequences + 1]
  int heads = 0;
  int head_dim = 0;
  bool first_only = false;
  Dropout dropout;
  // Null: no matrix of queries x keys is stored. Else room for all of them,
  // [heads][sequences][queries][keys], which the forward pass fills and the backward pass reads: the standard
  // way, to compare with.
  float* probabilities = nullptr;

  int64_t sequences() const { return static_cast<int64_t>(cumulative_lengths.size()) - 1; }
  int64_t hidden() const { return static_cast<int64_t>(heads) * head_dim; }
  int64_t queries() const { return first_only ? sequences() : cumulative_lengths.back(); }
  // Queries x keys of a sequence, and of all heads and sequences.
  int64_t pairs(int64_t sequence) const {
    const auto at = static_cast<size_t>(sequence);
    const int64_t length = cumulative_lengths[at + 1] - cumulative_lengths[at];
    return length * (first_only ? 1 : length);
  }
  int64_t probability_count() const {
    int64_t sum = 0;
    for (int64_t s = 0; s < sequences(); ++s) sum += pairs(s);
    return heads * sum;
  }
};

// One step of AdamW (Loshchilov and Hutter 2019), with bias correction.
struct AdamW {
  float learning_rate = 0;
  float beta1 = 0.9f, beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0;
  float gradient_scale = 1;  // of clipping
  int64_t step = 1;          // from 1
};

// A moment in 8 bits: value = map[code] * scale, one scale for each kMomentBlock values. The map is that of
// bitsandbytes' create_dynamic_map(), signed for the first moment, unsigned for the second.
constexpr int64_t kMomentBlock = 256;
struct Moment8Bit {
  uint8_t* codes = nullptr;  // [count]
  float* scales = nullptr;   // [ceil(count / kMomentBlock)]
};
uint8_t zero_moment_code(bool is_signed);

// Memory of a backend.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual void* data() const = 0;
};

// A frozen matrix where the backend's products find it.
class HeldMatrix {
 public:
  virtual ~HeldMatrix() = default;
  virtual const MatrixSource& source() const = 0;
};

// What the rows of a batch are made of; `columns` each.
struct EmbeddingTables {
  const Table* frozen_words = nullptr;  // null: words
  const float* words = nullptr;         // [vocabulary, columns]
  const float* positions = nullptr;     // [positions, columns]
  const float* type = nullptr;          // one row, or null
  int64_t columns = 0;
};

// Not thread-safe: it owns scratch memory.
class TrainingBackend {
 public:
  virtual ~TrainingBackend() = default;

  virtual std::string description() const = 0;  // "cpu avx2"
  // Tokens of micro batches that best pass together.
  virtual int64_t pass_tokens() const = 0;

  // Whether its memory is this process's.
  virtual bool is_host() const = 0;
  // Zeros. Errors: kNoMemory, naming sizes.
  virtual std::unique_ptr<Memory> allocate(size_t bytes) = 0;
  // Memory of this process that the operations reach: for what may make room on a device. Zeros.
  virtual std::unique_ptr<Memory> allocate_paged(size_t bytes) = 0;
  virtual void copy_in(const void* host, size_t bytes, void* to) = 0;
  virtual void copy_out(const void* from, size_t bytes,
                        void* host) = 0;  // waits for the operations before it
  virtual void copy(const void* from, size_t bytes, void* to) = 0;
  virtual void clear(void* memory, size_t bytes) = 0;
  // With `bf16` only products in bf16 read the matrix, which may then be kept as those round it. The source's
  // values must stay where the memory is the host's and the type is still the source's; else it has its own.
  virtual std::unique_ptr<HeldMatrix> hold(const MatrixSource& source, bool bf16) = 0;
  virtual std::unique_ptr<Table> map_table(const MatrixSource& source) = 0;

  // The batch that the operations below are about, until the next one; its spans must stay until then.
  virtual void begin(const Batch& batch) = 0;
  // y [tokens, columns]: the sum of the rows of each token. Errors: kBadData for an id without a row.
  virtual void embed(const EmbeddingTables& tables, float* y) = 0;
  // to [.., columns]: row rows[t] of it += row t of d, in the order of t. `rows` is the host's.
  virtual void add_to_rows(const float* d, std::span<const int32_t> rows, int64_t columns, float* to) = 0;
  // y [slots, columns]: the rows of `compact` that `slots` names, zeros where it is -1. `slots` is the
  // host's.
  virtual void expand_rows(const float* compact, std::span<const int32_t> slots, int64_t columns,
                           float* y) = 0;
  // y [sequences, columns] = the first row of each sequence of x; and y's such rows += x [sequences,
  // columns].
  virtual void first_tokens(const float* x, int64_t columns, float* y) = 0;
  virtual void add_first_tokens(const float* x, int64_t columns, float* y) = 0;
  // x *= factor; y += x.
  virtual void scale(float factor, int64_t count, float* x) = 0;
  virtual void add(const float* x, int64_t count, float* y) = 0;
  // y [rows, columns] = x * gamma + beta.
  virtual void scale_and_shift(const float* x, int64_t rows, int64_t columns, const float* gamma,
                               const float* beta, float* y) = 0;
  // Of all values of all parts.
  virtual double sum_of_squares(std::span<const std::span<const float>> parts) = 0;

  virtual void multiply(const Product& product) = 0;
  // sums [columns] += the sums of the columns of x [rows, columns].
  virtual void add_column_sums(const float* x, int64_t stride, int64_t rows, int64_t columns,
                               float* sums) = 0;

  // y = normal * gamma + beta; normal [rows, columns] = (x - mean) * scale, scale [rows] = 1 / deviation.
  // `normal` may alias x.
  virtual void layer_norm_forward(const float* x, int64_t rows, int64_t columns, const float* gamma,
                                  const float* beta, float epsilon, float* normal, float* scale,
                                  float* y) = 0;
  // d_x from d_y (they may alias); adds to d_gamma and d_beta [columns] unless they are null.
  virtual void layer_norm_backward(const float* d_y, const float* normal, const float* scale, int64_t rows,
                                   int64_t columns, const float* gamma, float* d_x, float* d_gamma,
                                   float* d_beta) = 0;

  // y = f(x); y may alias x.
  virtual void activate(Activation activation, const float* x, int64_t count, float* y) = 0;
  // d_y *= f'(x).
  virtual void activate_backward(Activation activation, const float* x, int64_t count, float* d_y) = 0;
  // y = dropout(x), forward and backward alike; y may alias x.
  virtual void drop(const Dropout& dropout, const float* x, int64_t count, float* y) = 0;

  // Backend::attention with what its backward pass needs: query [queries, hidden], key_value [tokens, 2 *
  // hidden] (keys, then values), output [queries, hidden], log_sums [heads, queries] the logarithm of each
  // query's sum of exponentials.
  virtual void attention_forward(const AttentionShape& shape, const float* query, const float* key_value,
                                 float* output, float* log_sums) = 0;
  // Without stored probabilities computes them again, tile by tile (Dao et al. 2022); d_query and d_key_value
  // are overwritten.
  virtual void attention_backward(const AttentionShape& shape, const float* query, const float* key_value,
                                  const float* output, const float* log_sums, const float* d_output,
                                  float* d_query, float* d_key_value) = 0;

  // weights, moments [count] are updated; gradient [count].
  virtual void adamw(const AdamW& step, const float* gradient, int64_t count, float* weights, float* first,
                     float* second) = 0;
  // The same in one pass over moments in 8 bits (Dettmers et al. 2021).
  virtual void adamw_8bit(const AdamW& step, const float* gradient, int64_t count, float* weights,
                          const Moment8Bit& first, const Moment8Bit& second) = 0;
};

std::unique_ptr<TrainingBackend> make_cpu_training_backend(ThreadPool* pool = nullptr);

}  // namespace valence::backend
