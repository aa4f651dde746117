// Decoding on the CPU: one thread works on a batch of rows; the products of the layers use the pool.
#include "backend/decoding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/decoding.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/panels.h"
#include "backend/cpu/table.h"

namespace valence::backend {

namespace cpu {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();
// Logits whose greatest one is compared with the worst of the best before each of them is.
constexpr int64_t kBlock = 128;

// Panels of each head, as attention.cc has them: keys [ceil(tokens / columns)][dim][columns], then values
// [ceil(dim / columns)][tokens][columns].
struct PackedSource : SourceKeys {
  int64_t tokens = 0, key_columns = 0, value_offset = 0, head_size = 0;
  AlignedArray<float> panels;

  const float* keys(int64_t head) const { return panels.data() + head * head_size; }
  const float* values(int64_t head) const { return keys(head) + value_offset; }
};

class PagedMemory : public TokenMemory {
 public:
  PagedMemory(int layers, int64_t hidden) : layers_(layers), hidden_(hidden) {}

  void reserve(int64_t slots) override {
    const auto page = static_cast<size_t>(kPage * layers_ * 2 * hidden_);
    while (static_cast<int64_t>(pages_.size()) * kPage < slots) pages_.emplace_back(page);
  }
  // Key and value [2 * hidden] of one token.
  float* token(int layer, int32_t slot) const {
    return pages_[static_cast<size_t>(slot / kPage)].data() + (layer * kPage + slot % kPage) * 2 * hidden_;
  }

 private:
  static constexpr int64_t kPage = 256;
  int64_t layers_, hidden_;
  std::vector<AlignedArray<float>> pages_;  // [layers][slots][2 * hidden]
};

// Sixteen maxima side by side, which the compiler turns into vectors of any width.
float greatest(const float* x, int64_t count) {
  float lanes[16];
  std::fill(lanes, lanes + 16, kLowest);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int j = 0; j < 16; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  }
  for (; i < count; ++i) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  return *std::max_element(lanes, lanes + 16);
}

void take(float logit, int32_t id, TokenScores& row) {
  auto& best = row.best;
  if (best.size() == row.wanted && !(logit > best.back().logit)) return;
  if (std::ranges::binary_search(row.forbidden, id)) return;
  if (best.size() == row.wanted) best.pop_back();
  const auto place = std::upper_bound(best.begin(), best.end(), logit,
                                      [](float value, const auto& other) { return value > other.logit; });
  best.insert(place, {logit, id});
}

void take_block(const float* logits, int64_t count, int32_t first, TokenScores& row) {
  if (row.best.size() == row.wanted && !(greatest(logits, count) > row.best.back().logit)) return;
  for (int64_t i = 0; i < count; ++i) take(logits[i], first + static_cast<int32_t>(i), row);
}

void hide_forbidden(const TokenScores& row, int32_t first, std::span<float> logits) {
  for (const int32_t id : row.forbidden) {
    if (id >= first && static_cast<size_t>(id - first) < logits.size()) {
      logits[static_cast<size_t>(id - first)] = kLowest;
    }
  }
}

class CpuDecodingBackend : public DecodingBackend {
 public:
  CpuDecodingBackend(const Kernels& kernels, ThreadPool* pool)
      : kernels_(kernels), layers_(make_backend(kernels, pool)) {}

  Backend& layers() override { return *layers_; }

  void embed(const Table& words, const Table& positions, float scale, std::span<const int32_t> ids,
             std::span<const int32_t> position_ids, Activations y) override {
    static_cast<const SourceTable&>(words).gather(ids, false, y.fp32());
    if (scale != 1.0f) {
      for (size_t r = 0; r < ids.size(); ++r) {
        kernels_.scale_row(y.fp32() + static_cast<int64_t>(r) * words.columns(), words.columns(), scale);
      }
    }
    static_cast<const SourceTable&>(positions).gather(position_ids, true, y.fp32());
  }

  std::unique_ptr<SourceKeys> keep_source(ConstActivations key_value, int64_t first, int64_t tokens,
                                          int heads, int head_dim) override {
    auto source = std::make_unique<PackedSource>();
    const int64_t width = kernels_.columns, hidden = static_cast<int64_t>(heads) * head_dim;
    source->tokens = tokens;
    source->key_columns = panels_of(kernels_, tokens) * width;
    source->value_offset = source->key_columns * head_dim;
    source->head_size = source->value_offset + panels_of(kernels_, head_dim) * width * tokens;
    float* panels = source->panels.reserve(static_cast<size_t>(source->head_size * heads));
    for (int64_t head = 0; head < heads; ++head, panels += source->head_size) {
      const float* key = key_value.fp32() + first * 2 * hidden + head * head_dim;
      pack_transposed(kernels_, key, 2 * hidden, tokens, head_dim, panels);
      pack_lines(kernels_, key + hidden, 2 * hidden, tokens, head_dim, panels + source->value_offset);
    }
    return source;
  }

  void attend_source(std::span<const SourceRows> rows, ConstActivations query, int heads, int head_dim,
                     Activations output) override {
    const int64_t hidden = static_cast<int64_t>(heads) * head_dim;
    for (const SourceRows& some : rows) {
      const auto& source = static_cast<const PackedSource&>(*some.keys);
      float* scores = scores_.reserve(static_cast<size_t>(some.count * source.key_columns));
      for (int64_t head = 0; head < heads; ++head) {
        const int64_t column = some.first * hidden + head * head_dim;
        attend_head(source, head, head_dim, some.count, query.fp32() + column, hidden, scores,
                    output.fp32() + column);
      }
    }
  }

  std::unique_ptr<TokenMemory> make_memory(int layers, int64_t hidden) override {
    return std::make_unique<PagedMemory>(layers, hidden);
  }

  void attend_history(TokenMemory& memory, int layer, std::span<const std::vector<int32_t>* const> rows,
                      ConstActivations qkv, int heads, int head_dim, Activations output) override {
    const PagedMemory& paged = static_cast<const PagedMemory&>(memory);
    const int64_t hidden = static_cast<int64_t>(heads) * head_dim;
    const float* query = qkv.fp32();
    float* y = output.fp32();
    for (const std::vector<int32_t>* row : rows) {
      std::copy_n(query + hidden, 2 * hidden, paged.token(layer, row->back()));
      tokens_.clear();
      for (const int32_t slot : *row) tokens_.push_back(paged.token(layer, slot));
      for (int64_t head = 0; head < heads; ++head) {
        attend_tokens(query + head * head_dim, head * head_dim, hidden, head_dim, y + head * head_dim);
      }
      query += 3 * hidden;
      y += hidden;
    }
  }

  void take_logits(Activations logits, int64_t count, int32_t first, std::span<TokenScores> rows) override {
    float* row_logits = logits.fp32();
    for (TokenScores& row : rows) {
      for (int64_t i = 0; i < count; i += kBlock) {
        take_block(row_logits + i, std::min(kBlock, count - i), first + static_cast<int32_t>(i), row);
      }
      if (row.normalize) {
        if (!row.count_forbidden) hide_forbidden(row, first, {row_logits, static_cast<size_t>(count)});
        SoftmaxState state{first == 0 ? kLowest : row.maximum, first == 0 ? 0.0f : row.sum};
        kernels_.softmax_row(row_logits, count, 1.0f, state);
        row.maximum = state.maximum;
        row.sum = state.sum;
      }
      row_logits += count;
    }
  }

 private:
  // One head of one row: x [dim] attends to tokens_, of which it reads the columns from `column` on.
  void attend_tokens(const float* x, int64_t column, int64_t hidden, int64_t dim, float* y) {
    const auto count = static_cast<int64_t>(tokens_.size());
    float* scores = scores_.reserve(tokens_.size());
    places_.resize(tokens_.size());
    for (size_t k = 0; k < tokens_.size(); ++k) places_[k] = tokens_[k] + column;
    kernels_.dot_rows(x, places_.data(), count, dim, scores);
    SoftmaxState state{kLowest, 0.0f};
    kernels_.softmax_row(scores, count, 1.0f / std::sqrt(static_cast<float>(dim)), state);
    for (const float*& place : places_) place += hidden;
    kernels_.combine_rows(scores, places_.data(), count, dim, y);
    kernels_.scale_row(y, dim, 1.0f / state.sum);
  }

  // One head of one source: queries [rows, dim] and output with `stride` from row to row.
  void attend_head(const PackedSource& source, int64_t head, int64_t dim, int64_t rows, const float* query,
                   int64_t stride, float* scores, float* output) {
    Tile products;
    products.a = query;
    products.a_stride = stride;
    products.panel = source.keys(head);
    products.steps = dim;
    products.c = scores;
    products.c_stride = source.key_columns;
    multiply(kernels_, rows, source.key_columns, products, scratch_);
    Tile sums;
    sums.a = scores;
    sums.a_stride = source.key_columns;
    sums.panel = source.values(head);
    sums.steps = source.tokens;
    sums.c = output;
    sums.c_stride = stride;
    const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
    inverse_.resize(static_cast<size_t>(rows));
    for (int64_t r = 0; r < rows; ++r) {
      SoftmaxState state{kLowest, 0.0f};
      kernels_.softmax_row(scores + r * source.key_columns, source.tokens, scale, state);
      inverse_[static_cast<size_t>(r)] = 1.0f / state.sum;
    }
    multiply(kernels_, rows, dim, sums, scratch_);
    for (int64_t r = 0; r < rows; ++r) {
      kernels_.scale_row(output + r * stride, dim, inverse_[static_cast<size_t>(r)]);
    }
  }

  const Kernels& kernels_;
  std::unique_ptr<Backend> layers_;
  Scratch scratch_;
  AlignedArray<float> scores_;
  std::vector<float> inverse_;
  std::vector<const float*> tokens_, places_;
};

}  // namespace

std::unique_ptr<DecodingBackend> make_decoding_backend(const Kernels& kernels, ThreadPool* pool) {
  return std::make_unique<CpuDecodingBackend>(kernels, pool);
}

}  // namespace cpu

std::unique_ptr<DecodingBackend> make_cpu_decoding_backend(ThreadPool* pool) {
  return cpu::make_decoding_backend(cpu::kernels_of_environment(), pool);
}

}  // namespace valence::backend
