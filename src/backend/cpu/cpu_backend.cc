#include "backend/cpu/cpu_backend.h"

#include <algorithm>
#include <vector>

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

struct HostNorm : Norm {
  HostNorm(std::span<const float> g, std::span<const float> b, float e)
      : gamma(g.begin(), g.end()), beta(b.begin(), b.end()), epsilon(e) {}
  int64_t columns() const override { return static_cast<int64_t>(gamma.size()); }

  std::vector<float> gamma, beta;
  float epsilon;
};

class HostBuffer : public Buffer {
 public:
  explicit HostBuffer(int64_t count) : values_(static_cast<size_t>(count)) {}
  int64_t capacity() const override { return static_cast<int64_t>(values_.size()); }
  Activations activations() override { return values_.data(); }

 private:
  std::vector<float> values_;
};

class CpuBackend : public Backend {
 public:
  CpuBackend(const Kernels& kernels, ThreadPool* pool) : kernels_(kernels), workers_(pool) {}

  std::string description() const override { return std::string("cpu ") + kernels_.name; }
  int64_t batch_tokens() const override { return 256; }
  WeightType kept_as(WeightType stored) const override { return stored; }

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

  std::unique_ptr<Norm> make_norm(std::span<const float> gamma, std::span<const float> beta,
                                  float epsilon) override {
    return std::make_unique<HostNorm>(gamma, beta, epsilon);
  }
  std::unique_ptr<Buffer> make_buffer(int64_t count) override { return std::make_unique<HostBuffer>(count); }

  void begin(const Batch& batch) override { batch_ = batch; }

  void embed(const Table& words, const Table& positions, const Norm& norm, Activations y) override {
    static_cast<const SourceTable&>(words).gather(batch_.ids, false, y.fp32());
    static_cast<const SourceTable&>(positions).gather(batch_.positions, true, y.fp32());
    normalize(norm, batch_.tokens(), y);
  }
  void linear(const Linear& weight, ConstActivations x, int64_t rows, const Epilogue& epilogue,
              Activations y) override {
    const PackedLinear& packed = static_cast<const PackedLinear&>(weight);
    VALENCE_CHECK(&packed.kernels() == &kernels_);
    cpu::linear(packed, x.fp32(), rows, epilogue, y.fp32(), left_, workers_);
  }
  void normalize(const Norm& norm, int64_t rows, Activations x) override {
    const HostNorm& host = static_cast<const HostNorm&>(norm);
    for (int64_t r = 0; r < rows; ++r) {
      kernels_.layer_norm_row(x.fp32() + r * host.columns(), host.columns(), host.gamma.data(),
                              host.beta.data(), host.epsilon);
    }
  }
  void attention(ConstActivations qkv, int heads, int head_dim, Activations output) override {
    cpu::attention(kernels_, qkv.fp32(), batch_.cumulative_lengths, heads, head_dim, output.fp32(), workers_);
  }
  void copy(ConstActivations from, int64_t count, Activations to) override {
    std::copy_n(from.fp32(), count, to.fp32());
  }
  void first_tokens(ConstActivations x, int64_t columns, Activations y) override {
    for (int64_t s = 0; s < batch_.sequences(); ++s) {
      const int64_t first = batch_.cumulative_lengths[static_cast<size_t>(s)];
      std::copy_n(x.fp32() + first * columns, columns, y.fp32() + s * columns);
    }
  }
  void attention_first_token(const FirstTokenProjection& weight, ConstActivations query,
                             ConstActivations hidden, int heads, int head_dim, Activations output) override {
    static_cast<const FirstTokenWeights&>(weight).compute(
        query.fp32(), hidden.fp32(), batch_.cumulative_lengths, heads, head_dim, output.fp32(), workers_);
  }
  void logits(const Linear& weight, ConstActivations x, int64_t rows, std::span<float> y) override {
    linear(weight, x, rows, {}, y.data());
  }

 private:
  const Kernels& kernels_;
  Workers workers_;
  LeftMatrix left_;
  Batch batch_;
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
