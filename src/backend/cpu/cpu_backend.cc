#include "backend/cpu/cpu_backend.h"

#include "backend/cpu/attention.h"
#include "backend/cpu/first_token.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/linear.h"
#include "backend/cpu/packed.h"
#include "backend/cpu/table.h"
#include "base/error.h"

namespace valence::backend {
namespace cpu {
namespace {

class CpuBackend : public Backend {
 public:
  CpuBackend(const Kernels& kernels, ThreadPool* pool) : kernels_(kernels), workers_(pool) {}

  std::string description() const override { return std::string("cpu ") + kernels_.name; }

  std::unique_ptr<Linear> make_linear(const MatrixSource& source, WeightType type,
                                      const float* bias) override {
    return std::make_unique<PackedLinear>(kernels_, source, type, bias);
  }
  std::unique_ptr<Table> map_table(const MatrixSource& source) override {
    return std::make_unique<SourceTable>(source);
  }
  std::unique_ptr<Table> make_table(const MatrixSource& source, WeightType type) override {
    return std::make_unique<SourceTable>(source, type);
  }
  std::unique_ptr<FirstTokenProjection> make_first_token(const MatrixSource& key, const float* /*key_bias*/,
                                                         const MatrixSource& value, const float* value_bias,
                                                         WeightType type) override {
    // The key's bias adds the same number to every score of a head, which the softmax does not see.
    return std::make_unique<FirstTokenWeights>(kernels_, key, value, value_bias, type);
  }

  void linear(const Linear& weight, const float* x, int64_t rows, const Epilogue& epilogue,
              float* y) override {
    const PackedLinear& packed = static_cast<const PackedLinear&>(weight);
    VALENCE_CHECK(&packed.kernels() == &kernels_);
    cpu::linear(packed, x, rows, epilogue, y, left_, workers_);
  }
  void gather(const Table& table, std::span<const int32_t> ids, bool accumulate, float* y) override {
    static_cast<const SourceTable&>(table).gather(ids, accumulate, y);
  }
  void layer_norm(float* x, int64_t rows, int64_t columns, const float* gamma, const float* beta,
                  float epsilon) override {
    for (int64_t r = 0; r < rows; ++r)
      kernels_.layer_norm_row(x + r * columns, columns, gamma, beta, epsilon);
  }
  void attention(const float* qkv, std::span<const int32_t> cumulative_lengths, int heads, int head_dim,
                 float* output) override {
    cpu::attention(kernels_, qkv, cumulative_lengths, heads, head_dim, output, workers_);
  }
  void attention_first_token(const FirstTokenProjection& weight, const float* query, const float* hidden,
                             std::span<const int32_t> cumulative_lengths, int heads, int head_dim,
                             float* output) override {
    static_cast<const FirstTokenWeights&>(weight).compute(query, hidden, cumulative_lengths, heads, head_dim,
                                                          output, workers_);
  }

 private:
  const Kernels& kernels_;
  Workers workers_;
  LeftMatrix left_;
};

}  // namespace

std::unique_ptr<Backend> make_backend(const Kernels& kernels, ThreadPool* pool) {
  return std::make_unique<CpuBackend>(kernels, pool);
}

}  // namespace cpu

std::unique_ptr<Backend> make_cpu_backend(ThreadPool* pool) {
  return cpu::make_backend(cpu::kernels_of_environment(), pool);
}

}  // namespace valence::backend
