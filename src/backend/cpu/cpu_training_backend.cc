#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>
#include <vector>

#include "backend/cpu/adamw.h"
#include "backend/cpu/attention_training.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/dropout.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/product.h"
#include "backend/cpu/table.h"
#include "tensor/floats.h"

namespace valence::backend {
namespace cpu {
namespace {

// Below this many values waking other threads costs more than it brings.
constexpr int64_t kParallelValues = 16'384;
// Values that one task passes over: whole cache lines.
constexpr int64_t kChunk = 8192;

class HostMemory final : public Memory {
 public:
  // Pages of large pieces are taken when they are first written.
  explicit HostMemory(size_t bytes) : data_(std::calloc(std::max<size_t>(bytes, 1), 1)) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  ~HostMemory() override { std::free(data_); }
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;
  void* data() const override { return data_; }

 private:
  void* data_;
};

class HostMatrix final : public HeldMatrix {
 public:
  HostMatrix(const MatrixSource& source, bool rounded) : source_(source) {
    if (!rounded) return;
    const int64_t count = source.out_features * source.in_features;
    halves_.resize(static_cast<size_t>(count));
    std::transform(source.fp32, source.fp32 + count, halves_.begin(), tensor::float_to_bf16);
    source_.type = WeightType::kBf16;
    source_.fp32 = nullptr;
    source_.bf16 = halves_.data();
  }
  const MatrixSource& source() const override { return source_; }

 private:
  MatrixSource source_;
  std::vector<uint16_t> halves_;
};

class CpuTrainingBackend final : public TrainingBackend {
 public:
  CpuTrainingBackend(const Kernels& kernels, ThreadPool* pool) : kernels_(kernels), workers_(pool) {}

  std::string description() const override { return std::string("cpu ") + kernels_.name; }
  // More would not fit the caches.
  int64_t pass_tokens() const override { return 384; }

  bool is_host() const override { return true; }
  std::unique_ptr<Memory> allocate(size_t bytes) override { return std::make_unique<HostMemory>(bytes); }
  std::unique_ptr<Memory> allocate_paged(size_t bytes) override { return allocate(bytes); }
  void copy_in(const void* host, size_t bytes, void* to) override { copy(host, bytes, to); }
  void copy_out(const void* from, size_t bytes, void* host) override { copy(from, bytes, host); }
  void copy(const void* from, size_t bytes, void* to) override {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  void clear(void* memory, size_t bytes) override {
    if (bytes > 0) std::memset(memory, 0, bytes);
  }
  std::unique_ptr<HeldMatrix> hold(const MatrixSource& source, bool bf16) override {
    const bool rounded = bf16 && source.type == WeightType::kFp32 && kernels_.product_bf16 != nullptr;
    return std::make_unique<HostMatrix>(source, rounded);
  }
  std::unique_ptr<Table> map_table(const MatrixSource& source) override {
    return std::make_unique<SourceTable>(source);
  }

  void begin(const Batch& batch) override { batch_ = batch; }

  void embed(const EmbeddingTables& tables, float* y) override {
    const int64_t columns = tables.columns;
    if (tables.frozen_words != nullptr) {
      static_cast<const SourceTable*>(tables.frozen_words)->gather(batch_.ids, false, y);
    }
    for (int64_t t = 0; t < batch_.tokens(); ++t) {
      float* row = y + t * columns;
      const auto at = static_cast<size_t>(t);
      if (tables.frozen_words == nullptr) std::copy_n(tables.words + batch_.ids[at] * columns, columns, row);
      add(tables.positions + batch_.positions[at] * columns, columns, row);
      if (tables.type != nullptr) add(tables.type, columns, row);
    }
  }
  void add_to_rows(const float* d, std::span<const int32_t> rows, int64_t columns, float* to) override {
    for (size_t t = 0; t < rows.size(); ++t)
      add(d + static_cast<int64_t>(t) * columns, columns, to + rows[t] * columns);
  }
  void expand_rows(const float* compact, std::span<const int32_t> slots, int64_t columns, float* y) override {
    for (size_t k = 0; k < slots.size(); ++k) {
      float* row = y + static_cast<int64_t>(k) * columns;
      if (slots[k] < 0) {
        std::fill_n(row, columns, 0.0f);
      } else {
        std::copy_n(compact + slots[k] * columns, columns, row);
      }
    }
  }
  void first_tokens(const float* x, int64_t columns, float* y) override {
    for (int64_t s = 0; s < batch_.sequences(); ++s)
      std::copy_n(x + batch_.cumulative_lengths[static_cast<size_t>(s)] * columns, columns, y + s * columns);
  }
  void add_first_tokens(const float* x, int64_t columns, float* y) override {
    for (int64_t s = 0; s < batch_.sequences(); ++s)
      add(x + s * columns, columns, y + batch_.cumulative_lengths[static_cast<size_t>(s)] * columns);
  }
  void scale(float factor, int64_t count, float* x) override {
    for (int64_t i = 0; i < count; ++i) x[i] *= factor;
  }
  void add(const float* x, int64_t count, float* y) override {
    for (int64_t i = 0; i < count; ++i) y[i] += x[i];
  }
  void scale_and_shift(const float* x, int64_t rows, int64_t columns, const float* gamma, const float* beta,
                       float* y) override {
    for_rows(rows, columns, [&](int64_t r) {
      for (int64_t c = 0; c < columns; ++c) y[r * columns + c] = x[r * columns + c] * gamma[c] + beta[c];
    });
  }
  double sum_of_squares(std::span<const std::span<const float>> parts) override {
    double sum = 0;
    for (const std::span<const float> part : parts) sum += squares(part);
    return sum;
  }

  void multiply(const Product& product) override { multiply_matrices(kernels_, product, left_, workers_); }

  void add_column_sums(const float* x, int64_t stride, int64_t rows, int64_t columns, float* sums) override {
    const int64_t parts = rows * columns > kParallelValues ? std::min<int64_t>(workers_.size(), columns) : 1;
    workers_.run(parts, parts > 1, [&](int64_t part, Scratch&) {
      const Range range = piece(columns, parts, part);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = range.begin; c < range.end; ++c) sums[c] += x[r * stride + c];
      }
    });
  }

  void layer_norm_forward(const float* x, int64_t rows, int64_t columns, const float* gamma,
                          const float* beta, float epsilon, float* normal, float* scale, float* y) override {
    for_rows(rows, columns, [&](int64_t r) {
      float* n = normal + r * columns;
      if (normal != x) std::copy_n(x + r * columns, columns, n);
      scale[r] = kernels_.normalize_row(n, columns, epsilon);
      for (int64_t c = 0; c < columns; ++c) y[r * columns + c] = n[c] * gamma[c] + beta[c];
    });
  }

  void layer_norm_backward(const float* d_y, const float* normal, const float* scale, int64_t rows,
                           int64_t columns, const float* gamma, float* d_x, float* d_gamma,
                           float* d_beta) override {
    if (d_beta != nullptr) add_column_sums(d_y, columns, rows, columns, d_beta);
    if (d_gamma != nullptr) {
      const int64_t parts = std::min<int64_t>(workers_.size(), columns);
      workers_.run(parts, rows * columns > kParallelValues, [&](int64_t part, Scratch&) {
        const Range range = piece(columns, parts, part);
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = range.begin; c < range.end; ++c) {
            d_gamma[c] += d_y[r * columns + c] * normal[r * columns + c];
          }
        }
      });
    }
    for_rows(rows, columns, [&](int64_t r) {
      kernels_.layer_norm_backward_row(d_y + r * columns, normal + r * columns, scale[r], gamma, columns,
                                       d_x + r * columns);
    });
  }

  void activate(Activation activation, const float* x, int64_t count, float* y) override {
    for_chunks(count, [&](int64_t at, int64_t n) { kernels_.activate_row(activation, x + at, n, y + at); });
  }
  void activate_backward(Activation activation, const float* x, int64_t count, float* d_y) override {
    for_chunks(count, [&](int64_t at, int64_t n) {
      kernels_.activate_backward_row(activation, x + at, n, d_y + at);
    });
  }

  void drop(const Dropout& dropout, const float* x, int64_t count, float* y) override {
    if (dropout.rate == 0) {
      if (x != y) std::copy_n(x, count, y);
      return;
    }
    const DropFactors factors(kernels_, dropout.rate, dropout.key);
    for_chunks(count,
               [&](int64_t at, int64_t n) { factors.apply(static_cast<uint64_t>(at), x + at, n, y + at); });
  }

  void attention_forward(const AttentionShape& shape, const float* query, const float* key_value,
                         float* output, float* log_sums) override {
    cpu::attention_forward(kernels_, shape, query, key_value, output, log_sums, workers_);
  }
  void attention_backward(const AttentionShape& shape, const float* query, const float* key_value,
                          const float* output, const float* log_sums, const float* d_output, float* d_query,
                          float* d_key_value) override {
    cpu::attention_backward(kernels_, shape, query, key_value, output, log_sums, d_output, d_query,
                            d_key_value, workers_);
  }

  void adamw(const AdamW& step, const float* gradient, int64_t count, float* weights, float* first,
             float* second) override {
    const AdamWFactors factors(step);
    for_chunks(count, [&](int64_t at, int64_t n) {
      update(factors, gradient + at, n, weights + at, first + at, second + at);
    });
  }
  void adamw_8bit(const AdamW& step, const float* gradient, int64_t count, float* weights,
                  const Moment8Bit& first, const Moment8Bit& second) override {
    static_assert(kChunk % kMomentBlock == 0);
    const AdamWFactors factors(step);
    for_chunks(count, [&](int64_t at, int64_t n) {
      update_8bit(factors, gradient + at, n, weights + at,
                  {first.codes + at, first.scales + at / kMomentBlock},
                  {second.codes + at, second.scales + at / kMomentBlock});
    });
  }

 private:
  // Chunk by chunk, whoever sums which.
  double squares(std::span<const float> values) {
    const auto count = static_cast<int64_t>(values.size());
    std::vector<double> sums(static_cast<size_t>((count + kChunk - 1) / kChunk));
    for_chunks(count, [&](int64_t at, int64_t n) {
      double sum = 0;
      for (int64_t i = at; i < at + n; ++i) {
        const auto value = static_cast<double>(values[static_cast<size_t>(i)]);
        sum += value * value;
      }
      sums[static_cast<size_t>(at / kChunk)] = sum;
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }

  template <typename Function>
  void for_rows(int64_t rows, int64_t columns, const Function& function) {
    const int64_t parts = rows * columns > kParallelValues ? std::min<int64_t>(rows, 2 * workers_.size()) : 1;
    workers_.run(parts, parts > 1, [&](int64_t part, Scratch&) {
      const Range range = piece(rows, parts, part);
      for (int64_t r = range.begin; r < range.end; ++r) function(r);
    });
  }
  template <typename Function>
  void for_chunks(int64_t count, const Function& function) {
    const int64_t chunks = (count + kChunk - 1) / kChunk;
    workers_.run(chunks, count > kParallelValues, [&](int64_t chunk, Scratch&) {
      const int64_t at = chunk * kChunk;
      function(at, std::min(kChunk, count - at));
    });
  }

  const Kernels& kernels_;
  Workers workers_;
  LeftForms left_;
  Batch batch_;
};

}  // namespace

std::unique_ptr<TrainingBackend> make_training_backend(const Kernels& kernels, ThreadPool* pool) {
  return std::make_unique<CpuTrainingBackend>(kernels, pool);
}

}  // namespace cpu

std::unique_ptr<TrainingBackend> make_cpu_training_backend(ThreadPool* pool) {
  return cpu::make_training_backend(cpu::kernels_of_environment(), pool);
}

}  // namespace valence::backend
