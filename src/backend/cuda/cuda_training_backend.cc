#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "backend/cuda.h"
#include "backend/cuda/batch.h"
#include "backend/cuda/lt_objects.h"
#include "backend/cuda/product.h"
#include "backend/cuda/training_kernels.h"
#include "backend/cuda/weights.h"
#include "base/error.h"
#include "tensor/nf4.h"

namespace valence::backend {
namespace cuda {
namespace {

// Memory of the GPU, or locked memory of the process that kernels reach over the bus.
class GpuMemory final : public Memory {
 public:
  GpuMemory(size_t bytes, cudaStream_t stream) : memory_(bytes) {
    if (bytes > 0) check(cudaMemsetAsync(memory_.data(), 0, bytes, stream), "clearing memory");
  }
  void* data() const override { return memory_.data(); }

 private:
  DeviceMemory memory_;
};

class LockedMemory final : public Memory {
 public:
  explicit LockedMemory(size_t bytes) : memory_(bytes) { std::fill_n(memory_.as<char>(), bytes, char{0}); }
  void* data() const override { return memory_.as<void>(); }

 private:
  PinnedMemory memory_;
};

// A matrix as it is stored, in GPU memory.
class GpuMatrix final : public HeldMatrix {
 public:
  explicit GpuMatrix(const MatrixSource& source) : source_(source), stored_(source) {
    source_ = stored_.source();
  }
  const MatrixSource& source() const override { return source_; }

 private:
  MatrixSource source_;
  StoredMatrix stored_;
};

class CudaTrainingBackend final : public TrainingBackend {
 public:
  explicit CudaTrainingBackend(std::string name)
      : description_("cuda " + std::move(name)), workspace_(kMatmulWorkspace) {
    std::vector<float> maps(tensor::dynamic_map().begin(), tensor::dynamic_map().end());
    maps.insert(maps.end(), tensor::unsigned_dynamic_map().begin(), tensor::unsigned_dynamic_map().end());
    moment_maps_ = uploaded(std::span<const float>(maps));
  }
  ~CudaTrainingBackend() override { cudaStreamSynchronize(stream()); }

  std::string description() const override { return description_; }
  int64_t pass_tokens() const override { return 16'384; }

  bool is_host() const override { return false; }
  std::unique_ptr<Memory> allocate(size_t bytes) override {
    return std::make_unique<GpuMemory>(bytes, stream());
  }
  std::unique_ptr<Memory> allocate_paged(size_t bytes) override {
    return std::make_unique<LockedMemory>(bytes);
  }
  // The kinds of memory tell CUDA the direction.
  void copy_in(const void* host, size_t bytes, void* to) override { copy(host, bytes, to); }
  void copy_out(const void* from, size_t bytes, void* host) override {
    copy(from, bytes, host);
    check(cudaStreamSynchronize(stream()), "computing");
  }
  void copy(const void* from, size_t bytes, void* to) override {
    if (bytes > 0) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream()), "copying");
  }
  void clear(void* memory, size_t bytes) override {
    if (bytes > 0) check(cudaMemsetAsync(memory, 0, bytes, stream()), "clearing memory");
  }
  std::unique_ptr<HeldMatrix> hold(const MatrixSource& source, bool /*bf16*/) override {
    return std::make_unique<GpuMatrix>(source);
  }
  std::unique_ptr<Table> map_table(const MatrixSource& source) override {
    return std::make_unique<CudaTable>(source, Element::kFp32);
  }

  void begin(const Batch& batch) override {
    batch_ = batch;
    on_gpu_.upload(batch, stream());
    pair_begins_.clear();
  }

  void embed(const EmbeddingTables& tables, float* y) override {
    const float* words = tables.words;
    if (tables.frozen_words != nullptr) {
      check_ids(batch_.ids, tables.frozen_words->rows());
      words = static_cast<const float*>(static_cast<const CudaTable*>(tables.frozen_words)->values());
    }
    embedding_sum({on_gpu_.ids(), on_gpu_.positions(), words, tables.positions, tables.type}, batch_.tokens(),
                  tables.columns, y, stream());
  }

  // The tokens of each row together, so that one block adds them in their order.
  void add_to_rows(const float* d, std::span<const int32_t> rows, int64_t columns, float* to) override {
    if (rows.empty()) return;
    std::vector<int32_t> order(rows.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, [&](int32_t t) { return rows[static_cast<size_t>(t)]; });
    std::vector<int32_t> targets, begins;
    for (size_t k = 0; k < order.size(); ++k) {
      const int32_t row = rows[static_cast<size_t>(order[k])];
      if (targets.empty() || targets.back() != row) {
        targets.push_back(row);
        begins.push_back(static_cast<int32_t>(k));
      }
    }
    begins.push_back(static_cast<int32_t>(order.size()));
    const int32_t* base = uploaded_indices({targets, begins, order});
    const auto count = static_cast<int64_t>(targets.size());
    cuda::add_to_rows(d, {base, base + targets.size(), base + targets.size() + begins.size()}, count, columns,
                      to, stream());
  }
  void expand_rows(const float* compact, std::span<const int32_t> slots, int64_t columns, float* y) override {
    cuda::expand_rows(compact, uploaded_indices({slots}), static_cast<int64_t>(slots.size()), columns, y,
                      stream());
  }
  void first_tokens(const float* x, int64_t columns, float* y) override {
    cuda::first_tokens(x, on_gpu_.cumulative_lengths(), batch_.sequences(), columns, Element::kFp32, y,
                       stream());
  }
  void add_first_tokens(const float* x, int64_t columns, float* y) override {
    cuda::add_first_tokens(x, on_gpu_.cumulative_lengths(), batch_.sequences(), columns, y, stream());
  }
  void scale(float factor, int64_t count, float* x) override { cuda::scale(factor, count, x, stream()); }
  void add(const float* x, int64_t count, float* y) override { cuda::add(x, count, y, stream()); }
  void scale_and_shift(const float* x, int64_t rows, int64_t columns, const float* gamma, const float* beta,
                       float* y) override {
    cuda::scale_and_shift(x, gamma, beta, rows, columns, y, stream());
  }
  double sum_of_squares(std::span<const std::span<const float>> parts) override {
    if (parts.empty()) return 0;
    double* sums = room<double>(square_sums_, static_cast<int64_t>(parts.size()) * kSquareParts);
    for (size_t k = 0; k < parts.size(); ++k)
      squares(parts[k].data(), static_cast<int64_t>(parts[k].size()), sums + k * kSquareParts, stream());
    std::vector<double> host(parts.size() * kSquareParts);
    copy_out(sums, host.size() * sizeof(double), host.data());
    return std::accumulate(host.begin(), host.end(), 0.0);
  }

  void multiply(const Product& product) override {
    const float* b = product.b.fp32;
    if (product.b.type != WeightType::kFp32) {
      float* expanded = room<float>(expanded_, product.b.out_features * product.b.in_features);
      convert(product.b, Element::kFp32, expanded, stream());
      b = expanded;
    }
    products_.multiply(product, b, workspace_.data(), stream());
  }
  void add_column_sums(const float* x, int64_t stride, int64_t rows, int64_t columns, float* sums) override {
    column_sums(x, nullptr, stride, rows, columns, sums, stream());
  }

  void layer_norm_forward(const float* x, int64_t rows, int64_t columns, const float* gamma,
                          const float* beta, float epsilon, float* normal, float* scale, float* y) override {
    cuda::layer_norm_forward({x, gamma, beta, epsilon, normal, scale, y}, rows, columns, stream());
  }
  void layer_norm_backward(const float* d_y, const float* normal, const float* scale, int64_t rows,
                           int64_t columns, const float* gamma, float* d_x, float* d_gamma,
                           float* d_beta) override {
    if (d_beta != nullptr) column_sums(d_y, nullptr, columns, rows, columns, d_beta, stream());
    if (d_gamma != nullptr) column_sums(d_y, normal, columns, rows, columns, d_gamma, stream());
    cuda::layer_norm_backward(d_y, normal, scale, gamma, rows, columns, d_x, stream());
  }

  void activate(Activation activation, const float* x, int64_t count, float* y) override {
    cuda::activate(activation, x, count, y, stream());
  }
  void activate_backward(Activation activation, const float* x, int64_t count, float* d_y) override {
    cuda::activate_backward(activation, x, count, d_y, stream());
  }
  void drop(const Dropout& dropout, const float* x, int64_t count, float* y) override {
    if (dropout.rate > 0) return cuda::drop(dropout, x, count, y, stream());
    if (x != y) copy(x, static_cast<size_t>(count) * sizeof(float), y);
  }

  void attention_forward(const AttentionShape& shape, const float* query, const float* key_value,
                         float* output, float* log_sums) override {
    TrainingAttention attention = described(shape, query, key_value);
    attention.output = output;
    attention.log_sums = log_sums;
    cuda::attention_forward(attention, stream());
  }
  void attention_backward(const AttentionShape& shape, const float* query, const float* key_value,
                          const float* output, const float* log_sums, const float* d_output, float* d_query,
                          float* d_key_value) override {
    TrainingAttention attention = described(shape, query, key_value);
    attention.output = const_cast<float*>(output);  // only read
    attention.log_sums = const_cast<float*>(log_sums);
    attention.d_output = d_output;
    attention.dots = room<float>(dots_, shape.heads * shape.queries());
    attention.d_query = d_query;
    attention.d_key_value = d_key_value;
    cuda::attention_backward(attention, stream());
  }

  void adamw(const AdamW& step, const float* gradient, int64_t count, float* weights, float* first,
             float* second) override {
    cuda::adamw(AdamWFactors(step), {gradient, weights, count}, first, second, stream());
  }
  void adamw_8bit(const AdamW& step, const float* gradient, int64_t count, float* weights,
                  const Moment8Bit& first, const Moment8Bit& second) override {
    cuda::adamw_8bit(AdamWFactors(step), {gradient, weights, count}, first, second,
                     moment_maps_.as<const float>(), stream());
  }

 private:
  cudaStream_t stream() const { return stream_.get(); }

  // Memory whose old contents are done with. Work that is queued may still read it: cudaFree waits for that.
  template <typename T>
  static T* room(DeviceMemory& memory, int64_t count) {
    const size_t bytes = static_cast<size_t>(count) * sizeof(T);
    if (memory.bytes() < bytes) {
      memory = DeviceMemory();
      memory = DeviceMemory(bytes + bytes / 4);
    }
    return memory.as<T>();
  }

  // Lists of indices one behind the other in GPU memory. Pageable memory is copied before the call returns.
  const int32_t* uploaded_indices(std::initializer_list<std::span<const int32_t>> lists) {
    size_t count = 0;
    for (const auto& list : lists) count += list.size();
    int32_t* to = room<int32_t>(indices_, static_cast<int64_t>(count));
    size_t at = 0;
    for (const auto& list : lists) {
      copy(list.data(), list.size_bytes(), to + at);
      at += list.size();
    }
    return to;
  }

  TrainingAttention described(const AttentionShape& shape, const float* query, const float* key_value) {
    if (shape.head_dim > kLargestHead) {
      throw Error(ErrorCode::kBadConfig, "--device cuda: heads of " + std::to_string(shape.head_dim) +
                                             " values, expected at most " + std::to_string(kLargestHead));
    }
    TrainingAttention attention;
    attention.tiles = shape.first_only ? on_gpu_.sequence_tiles() : on_gpu_.tiles();
    attention.tile_count = shape.first_only ? shape.sequences() : on_gpu_.tile_count();
    attention.key_tiles = on_gpu_.tiles();
    attention.key_tile_count = on_gpu_.tile_count();
    attention.heads = shape.heads;
    attention.head_dim = shape.head_dim;
    attention.queries = shape.queries();
    attention.first_only = shape.first_only;
    attention.dropout = shape.dropout;
    attention.query = query;
    attention.key_value = key_value;
    if (shape.probabilities == nullptr) return attention;
    pair_begins_.assign(1, 0);
    for (int64_t s = 0; s < shape.sequences(); ++s)
      pair_begins_.push_back(pair_begins_.back() + shape.pairs(s));
    attention.probabilities = shape.probabilities;
    attention.all_pairs = pair_begins_.back();
    auto* begins = room<int64_t>(pair_begins_on_gpu_, static_cast<int64_t>(pair_begins_.size()));
    copy(pair_begins_.data(), pair_begins_.size() * sizeof(int64_t), begins);
    attention.pair_begins = begins;
    return attention;
  }

  const std::string description_;
  Stream stream_;
  DeviceMemory workspace_, moment_maps_;
  Products products_;
  Batch batch_;
  DeviceBatch on_gpu_;
  std::vector<int64_t> pair_begins_;
  DeviceMemory expanded_, dots_, indices_, pair_begins_on_gpu_, square_sums_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<TrainingBackend> make_cuda_training_backend() {
  const CudaDevice& device = usable_cuda_device();
  return std::make_unique<cuda::CudaTrainingBackend>(device.name);
}

}  // namespace valence::backend
