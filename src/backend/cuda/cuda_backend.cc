#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "backend/cuda.h"
#include "backend/cuda/batch.h"
#include "backend/cuda/cublaslt.h"
#include "backend/cuda/kernels.h"
#include "backend/cuda/lt_objects.h"
#include "backend/cuda/matmul.h"
#include "backend/cuda/weights.h"
#include "base/error.h"

namespace valence::backend {
namespace cuda {
namespace {

constexpr int64_t kColumnStep = 8;    // of hidden sizes: 16-byte accesses
constexpr int64_t kWideBatch = 1024;  // tokens; waiting for less is done awake, for the latency

// The end of queued work, for which a thread may sleep.
class Event {
 public:
  Event() {
    check(cudaEventCreateWithFlags(&event_, cudaEventBlockingSync | cudaEventDisableTiming),
          "making an event");
  }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void wait(cudaStream_t stream) const {
    check(cudaEventRecord(event_, stream), "waiting for a batch");
    check(cudaEventSynchronize(event_), "computing a batch");
  }

 private:
  cudaEvent_t event_ = nullptr;
};

class CudaBackend : public Backend {
 public:
  CudaBackend(Element type, std::string name)
      : type_(type), description_("cuda " + std::move(name)), workspace_(kMatmulWorkspace) {}

  std::string description() const override { return description_; }
  int64_t batch_tokens() const override { return 16'384; }
  WeightType kept_as(WeightType stored) const override {
    if (stored == WeightType::kNf4) return stored;
    return type_ == Element::kFp32 ? WeightType::kFp32 : WeightType::kBf16;
  }

  std::unique_ptr<Linear> make_linear(const MatrixSource& source, WeightType type,
                                      const float* bias) override {
    check_type(type);
    return std::make_unique<CudaLinear>(source, type == WeightType::kNf4, bias, type_);
  }
  std::unique_ptr<Table> map_table(const MatrixSource& source) override {
    return std::make_unique<CudaTable>(source, type_);
  }
  std::unique_ptr<Table> make_table(const MatrixSource& source, WeightType /*type*/) override {
    return std::make_unique<CudaTable>(source, type_);
  }
  std::unique_ptr<FirstTokenProjection> make_first_token(const MatrixSource& key, const float* key_bias,
                                                         const MatrixSource& value, const float* value_bias,
                                                         WeightType type) override {
    check_type(type);
    std::vector<float> bias(key_bias, key_bias + key.out_features);
    bias.insert(bias.end(), value_bias, value_bias + value.out_features);
    const MatrixSource parts[] = {key, value};
    return std::make_unique<CudaFirstToken>(CudaLinear(parts, bias, type_));
  }
  std::unique_ptr<Norm> make_norm(std::span<const float> gamma, std::span<const float> beta,
                                  float epsilon) override {
    if (gamma.size() % kColumnStep != 0) {
      throw Error(ErrorCode::kBadConfig, "--device cuda: a hidden size of " + std::to_string(gamma.size()) +
                                             ", expected a multiple of " + std::to_string(kColumnStep));
    }
    return std::make_unique<CudaNorm>(gamma, beta, epsilon);
  }
  std::unique_ptr<Buffer> make_buffer(int64_t count) override {
    return std::make_unique<CudaBuffer>(count, type_);
  }

  void begin(const Batch& batch) override {
    batch_ = batch;
    on_gpu_.upload(batch, stream_.get());
  }

  void embed(const Table& words, const Table& positions, const Norm& norm, Activations y) override {
    check_ids(batch_.ids, words.rows());
    check_ids(batch_.positions, positions.rows());
    const EmbedInput input{on_gpu_.ids(),
                           on_gpu_.positions(),
                           static_cast<const CudaTable&>(words).values(),
                           static_cast<const CudaTable&>(positions).values(),
                           batch_.tokens(),
                           words.columns()};
    cuda::embed(input, static_cast<const CudaNorm&>(norm).weights(), type_, y.data(), stream_.get());
  }

  void linear(const Linear& weight, ConstActivations x, int64_t rows, const Epilogue& epilogue,
              Activations y) override {
    const CudaLinear& linear = static_cast<const CudaLinear&>(weight);
    // What cuBLASLt fuses: one matrix added before the activation, and GELU (by tanh, which differs from erf
    // by less than bf16 rounds) or ReLU behind it. The rest is done in one more pass.
    const bool plain = epilogue.activation == Activation::kNone;
    ConstActivations addend = epilogue.addend, residual = epilogue.residual;
    if (plain && !addend) std::swap(addend, residual);
    Fused fused = Fused::kNone;
    if (epilogue.activation == Activation::kRelu) fused = Fused::kRelu;
    if (type_ == Element::kBf16 &&
        (epilogue.activation == Activation::kGelu || epilogue.activation == Activation::kGeluTanh))
      fused = Fused::kGelu;
    if (fused != Fused::kNone && addend) fused = Fused::kNone;
    const ConstActivations with_product = fused == Fused::kNone ? addend : nullptr;
    const void* values = linear.is_nf4() ? expanded(linear) : linear.values();
    matmul_for(type_, linear.out_features(), linear.in_features(), linear.bias() != nullptr, fused)
        .run({values, linear.bias(), x.data(), with_product.data(), y.data()}, rows, workspace_.data(),
             stream_.get());
    const Activation left = fused == Fused::kNone ? epilogue.activation : Activation::kNone;
    if (left == Activation::kNone && !residual) return;
    finish_linear(left, nullptr, residual.data(), rows * linear.out_features(), type_, y.data(),
                  stream_.get());
  }

  void normalize(const Norm& norm, int64_t rows, Activations x) override {
    cuda::normalize(static_cast<const CudaNorm&>(norm).weights(), rows, norm.columns(), type_, x.data(),
                    stream_.get());
  }

  void attention(ConstActivations qkv, int heads, int head_dim, Activations output) override {
    if (type_ == Element::kBf16 && has_fast_attention(head_dim)) {
      attention_bf16(qkv.data(), on_gpu_.tiles(), on_gpu_.tile_count(), heads, head_dim, output.data(),
                     stream_.get());
      return;
    }
    const int64_t hidden = int64_t{heads} * head_dim;
    attend({.query = qkv.data(),
            .query_stride = 3 * hidden,
            .key = columns_from(qkv.data(), hidden),
            .value = columns_from(qkv.data(), 2 * hidden),
            .key_stride = 3 * hidden,
            .tiles = on_gpu_.tiles(),
            .tile_count = on_gpu_.tile_count(),
            .heads = heads,
            .head_dim = head_dim,
            .output = output.data()});
  }

  void copy(ConstActivations from, int64_t count, Activations to) override {
    check(cudaMemcpyAsync(to.data(), from.data(), static_cast<size_t>(count * bytes_of(type_)),
                          cudaMemcpyDeviceToDevice, stream_.get()),
          "copying activations");
  }
  void first_tokens(ConstActivations x, int64_t columns, Activations y) override {
    cuda::first_tokens(x.data(), on_gpu_.cumulative_lengths(), batch_.sequences(), columns, type_, y.data(),
                       stream_.get());
  }

  void attention_first_token(const FirstTokenProjection& weight, ConstActivations query,
                             ConstActivations hidden, int heads, int head_dim, Activations output) override {
    const CudaLinear& key_value = static_cast<const CudaFirstToken&>(weight).key_value;
    const int64_t width = key_value.in_features();
    const Activations both =
        Activations::at(room_for(key_value_, batch_.tokens() * 2 * width * bytes_of(type_)));
    linear(key_value, hidden, batch_.tokens(), {}, both);
    attend({.query = query.data(),
            .query_stride = width,
            .key = both.data(),
            .value = columns_from(both.data(), width),
            .key_stride = 2 * width,
            .tiles = on_gpu_.sequence_tiles(),
            .tile_count = batch_.sequences(),
            .first_only = true,
            .heads = heads,
            .head_dim = head_dim,
            .output = output.data()});
  }

  void logits(const Linear& weight, ConstActivations x, int64_t rows, std::span<float> y) override {
    const CudaLinear& linear = static_cast<const CudaLinear&>(weight);
    VALENCE_CHECK(!linear.is_nf4());
    const size_t bytes = y.size_bytes();
    float* out = static_cast<float*>(room_for(logits_, static_cast<int64_t>(bytes)));
    if (logits_staging_.bytes() < bytes) logits_staging_ = PinnedMemory(2 * bytes);
    cuda::logits(x.data(), linear.values(), linear.bias_fp32(), rows, linear.in_features(),
                 linear.out_features(), type_, out, stream_.get());
    check(cudaMemcpyAsync(logits_staging_.as<float>(), out, bytes, cudaMemcpyDeviceToHost, stream_.get()),
          "copying logits");
    if (batch_.tokens() < kWideBatch) {
      check(cudaStreamSynchronize(stream_.get()), "computing a batch");
    } else {
      done_.wait(stream_.get());
    }
    std::memcpy(y.data(), logits_staging_.as<float>(), bytes);
  }

 private:
  void check_type(WeightType type) const {
    if (type != WeightType::kInt8) return;
    throw Error(ErrorCode::kUsage, "--device cuda: the type int8, expected fp32, bf16, nf4 or auto");
  }

  const void* columns_from(const void* values, int64_t column) const {
    return static_cast<const char*>(values) + column * bytes_of(type_);
  }

  // Memory whose old contents are done with.
  void* room_for(DeviceMemory& memory, int64_t bytes) const {
    if (memory.bytes() < static_cast<size_t>(bytes)) {
      memory = DeviceMemory();
      memory = DeviceMemory(static_cast<size_t>(bytes));
    }
    return memory.data();
  }

  const void* expanded(const CudaLinear& linear) {
    const int64_t count = linear.out_features() * linear.in_features();
    void* values = room_for(expanded_, count * bytes_of(type_));
    convert(linear.nf4(), type_, values, stream_.get());
    return values;
  }

  void attend(const PlainAttention& attention) const {
    if (attention.head_dim > kLargestHead) {
      throw Error(ErrorCode::kBadConfig, "--device cuda: heads of " + std::to_string(attention.head_dim) +
                                             " values, expected at most " + std::to_string(kLargestHead));
    }
    attention_plain(attention, type_, stream_.get());
  }

  const Element type_;
  const std::string description_;
  Stream stream_;
  Event done_;
  DeviceMemory workspace_;
  Batch batch_;
  DeviceBatch on_gpu_;
  DeviceMemory key_value_, expanded_, logits_;
  PinnedMemory logits_staging_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Backend> make_cuda_backend(WeightType compute) {
  const cuda::Element type = compute == WeightType::kFp32 ? cuda::Element::kFp32 : cuda::Element::kBf16;
  return std::make_unique<cuda::CudaBackend>(type, usable_cuda_device().name);
}

}  // namespace valence::backend
