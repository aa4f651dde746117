#include "backend/cpu/first_token.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/cpu/panels.h"
#include "backend/source.h"
#include "base/error.h"
#include "tensor/floats.h"
#include "tensor/int8.h"

namespace valence::backend::cpu {
namespace {

// Sequences whose absorbed queries are in memory at a time, and tokens whose scores are.
constexpr int64_t kSequenceBlock = 32, kTokenTile = 128;

int64_t bytes_of(WeightType type) {
  return type == WeightType::kFp32 ? 4 : type == WeightType::kBf16 ? 2 : 1;
}

}  // namespace

// A block of the sequences of one call.
struct FirstTokenWeights::Batch {
  const float* query;  // [sequences, hidden], int8: each element times the scale of its row of W_k
  const float* hidden;
  const int32_t* cumulative_lengths;
  int64_t sequences;
  int64_t heads, head_dim;
  float* absorbed;  // [sequences, heads, hidden]: W_kT q, then overwritten by the pooled input
  float* output;    // [sequences, hidden]
};

FirstTokenWeights::FirstTokenWeights(const Kernels& kernels, const MatrixSource& key,
                                     const MatrixSource& value, const float* value_bias, WeightType type)
    : kernels_(kernels),
      type_(type == WeightType::kNf4 ? WeightType::kBf16 : type),
      hidden_(key.in_features),
      element_bytes_(bytes_of(type_)) {
  VALENCE_CHECK(key.out_features == hidden_ && value.out_features == hidden_ && value.in_features == hidden_);
  if (type_ == WeightType::kInt8) {
    key_scales_.resize(static_cast<size_t>(hidden_));
    value_scales_.resize(static_cast<size_t>(hidden_));
  }
  if (value_bias) value_bias_.assign(value_bias, value_bias + hidden_);
  pack(key, type, /*row_is_line=*/true, key_, key_scales_);
  pack(value, type, /*row_is_line=*/false, value_, value_scales_);
}

size_t FirstTokenWeights::bytes() const {
  return key_.bytes() + value_.bytes() + 4 * (key_scales_.size() + value_scales_.size() + value_bias_.size());
}

void FirstTokenWeights::pack(const MatrixSource& from, WeightType type, bool row_is_line,
                             AlignedArray<std::byte>& panels, std::vector<float>& scales) {
  // Quantized to 4 bits first where that is asked for: the values are those of every other NF4 matrix.
  tensor::Nf4Values quantized;
  MatrixSource source = from;
  if (type == WeightType::kNf4 && from.type != WeightType::kNf4) {
    quantized = to_nf4(from);
    source = nf4_source(quantized, from.out_features, from.in_features);
  }
  const int64_t width = kernels_.columns;
  panels = AlignedArray<std::byte>(
      static_cast<size_t>(panels_of(kernels_, hidden_) * width * hidden_ * element_bytes_));
  std::memset(panels.data(), 0, panels.bytes());
  std::vector<float> row(static_cast<size_t>(hidden_));
  std::vector<std::byte> stored(static_cast<size_t>(hidden_ * element_bytes_));
  for (int64_t r = 0; r < hidden_; ++r) {
    const float scale = store_row(source, r, row, stored);
    if (!scales.empty()) scales[static_cast<size_t>(r)] = scale;
    for (int64_t i = 0; i < hidden_; ++i) {
      const int64_t line = row_is_line ? r : i, column = row_is_line ? i : r;
      const int64_t at = (column / width * hidden_ + line) * width + column % width;
      std::memcpy(panels.data() + at * element_bytes_, stored.data() + i * element_bytes_,
                  static_cast<size_t>(element_bytes_));
    }
  }
}

float FirstTokenWeights::store_row(const MatrixSource& source, int64_t row, std::vector<float>& values,
                                   std::vector<std::byte>& stored) const {
  int8_t* bytes = reinterpret_cast<int8_t*>(stored.data());
  if (type_ == WeightType::kInt8 && source.type == WeightType::kInt8)
    return copy_int8_row(source, row, bytes);
  read_row(source, row, values.data());
  switch (type_) {
    case WeightType::kBf16:
      for (size_t i = 0; i < values.size(); ++i) {
        reinterpret_cast<uint16_t*>(stored.data())[i] = tensor::float_to_bf16(values[i]);
      }
      return 1;
    case WeightType::kInt8:
      return tensor::quantize_row_int8(values.data(), hidden_, bytes);
    default:
      std::memcpy(stored.data(), values.data(), stored.size());
      return 1;
  }
}

const float* FirstTokenWeights::lines(const AlignedArray<std::byte>& panels, int64_t panel, Range steps,
                                      Scratch& scratch) const {
  const int64_t width = kernels_.columns;
  const std::byte* from = panels.data() + (panel * hidden_ + steps.begin) * width * element_bytes_;
  if (type_ == WeightType::kFp32) return reinterpret_cast<const float*>(from);
  const int64_t count = steps.size() * width;
  float* to = scratch.panel.reserve(static_cast<size_t>(count));
  if (type_ == WeightType::kBf16) {
    kernels_.expand_bf16(reinterpret_cast<const uint16_t*>(from), count, to);
  } else {
    kernels_.expand_int8(reinterpret_cast<const int8_t*>(from), count, to);
  }
  return to;
}

void FirstTokenWeights::absorb_key(const Batch& batch, int64_t head, Scratch& scratch) const {
  const Range steps{head * batch.head_dim, (head + 1) * batch.head_dim};
  Tile tile;
  tile.a = batch.query + steps.begin;
  tile.a_stride = hidden_;
  tile.steps = steps.size();
  tile.c_stride = batch.heads * hidden_;
  for (int64_t panel = 0; panel < panels_of(kernels_, hidden_); ++panel) {
    const int64_t column = panel * kernels_.columns;
    tile.panel = lines(key_, panel, steps, scratch);
    tile.c = batch.absorbed + head * hidden_ + column;
    multiply(kernels_, batch.sequences, std::min<int64_t>(kernels_.columns, hidden_ - column), tile, scratch);
  }
}

void FirstTokenWeights::pool(const Batch& batch, int64_t sequence, Scratch& scratch) const {
  const int64_t first = batch.cumulative_lengths[sequence], last = batch.cumulative_lengths[sequence + 1];
  const int64_t heads = batch.heads, width = kernels_.columns;
  float* absorbed = batch.absorbed + sequence * heads * hidden_;
  const int64_t head_columns = panels_of(kernels_, heads) * width;
  const int64_t hidden_columns = panels_of(kernels_, hidden_) * width;
  Carver carver(scratch.attention.reserve(static_cast<size_t>(
      head_columns * hidden_ + kTokenTile * (hidden_columns + head_columns + heads) + 2 * heads + 80)));
  float* queries = carver.take(head_columns * hidden_);      // panels: a head a column
  float* tokens = carver.take(kTokenTile * hidden_columns);  // panels: a token a line
  float* by_token = carver.take(kTokenTile * head_columns);  // [tokens, head_columns]
  float* by_head = carver.take(kTokenTile * heads);          // [heads, tokens]
  SoftmaxState* states = reinterpret_cast<SoftmaxState*>(carver.take(2 * heads));

  pack_transposed(kernels_, absorbed, hidden_, heads, hidden_, queries);
  std::fill_n(states, heads, SoftmaxState{-std::numeric_limits<float>::infinity(), 0.0f});
  const float scale = 1.0f / std::sqrt(static_cast<float>(batch.head_dim));
  for (int64_t token = first; token < last; token += kTokenTile) {
    const int64_t count = std::min(kTokenTile, last - token);
    const float* x = batch.hidden + token * hidden_;
    Tile scores{x, hidden_, queries, hidden_, by_token, head_columns, false};
    multiply(kernels_, count, head_columns, scores, scratch);
    for (int64_t h = 0; h < heads; ++h) {
      float* row = by_head + h * kTokenTile;
      for (int64_t t = 0; t < count; ++t) row[t] = by_token[t * head_columns + h];
      const float correction = kernels_.softmax_row(row, count, scale, states[h]);
      if (token > first) kernels_.scale_row(absorbed + h * hidden_, hidden_, correction);
    }
    pack_lines(kernels_, x, hidden_, count, hidden_, tokens);
    Tile sums{by_head, kTokenTile, tokens, count, absorbed, hidden_, token > first};
    multiply(kernels_, heads, hidden_, sums, scratch);
  }
  for (int64_t h = 0; h < heads; ++h)
    kernels_.scale_row(absorbed + h * hidden_, hidden_, 1.0f / states[h].sum);
}

void FirstTokenWeights::apply_value(const Batch& batch, int64_t head, Scratch& scratch) const {
  const int64_t width = kernels_.columns;
  const Range columns{head * batch.head_dim, (head + 1) * batch.head_dim};
  // The panels that hold a column of this head; of a shared panel only this head's columns are taken.
  for (int64_t panel = columns.begin / width; panel * width < columns.end; ++panel) {
    const float* weights = lines(value_, panel, {0, hidden_}, scratch);
    const int64_t begin = std::max(columns.begin, panel * width),
                  end = std::min(columns.end, (panel + 1) * width);
    for (int64_t s = 0; s < batch.sequences; s += kernels_.rows) {
      const int64_t rows = std::min<int64_t>(kernels_.rows, batch.sequences - s);
      float* result = scratch.tile.reserve(static_cast<size_t>(kernels_.rows * width));
      const float* pooled = batch.absorbed + (s * batch.heads + head) * hidden_;
      kernels_.product_fp32(static_cast<int>(rows),
                            {pooled, batch.heads * hidden_, weights, hidden_, result, width, false});
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = begin; c < end; ++c) {
          const size_t at = static_cast<size_t>(c);
          float value = result[r * width + c - panel * width];
          if (type_ == WeightType::kInt8) value *= value_scales_[at];
          batch.output[(s + r) * hidden_ + c] = value_bias_.empty() ? value : value + value_bias_[at];
        }
      }
    }
  }
}

void FirstTokenWeights::compute(const float* query, const float* hidden,
                                std::span<const int32_t> cumulative_lengths, int heads, int head_dim,
                                float* output, Workers& workers) const {
  VALENCE_CHECK(static_cast<int64_t>(heads) * head_dim == hidden_);
  const int64_t all = static_cast<int64_t>(cumulative_lengths.size()) - 1;
  const int64_t most = std::min(kSequenceBlock, all);
  if (all <= 0) return;
  AlignedArray<float> absorbed(static_cast<size_t>(most * heads * hidden_));
  AlignedArray<float> scaled(static_cast<size_t>(most * hidden_));
  for (int64_t begin = 0; begin < all; begin += kSequenceBlock) {
    Batch batch;
    batch.sequences = std::min(kSequenceBlock, all - begin);
    for (int64_t i = 0; i < batch.sequences * hidden_; ++i) {
      const float q = query[begin * hidden_ + i];
      scaled.data()[i] = key_scales_.empty() ? q : q * key_scales_[static_cast<size_t>(i % hidden_)];
    }
    batch.query = scaled.data();
    batch.hidden = hidden;
    batch.cumulative_lengths = cumulative_lengths.data() + begin;
    batch.heads = heads;
    batch.head_dim = head_dim;
    batch.absorbed = absorbed.data();
    batch.output = output + begin * hidden_;
    workers.run(heads, true, [&](int64_t head, Scratch& scratch) { absorb_key(batch, head, scratch); });
    workers.run(batch.sequences, true, [&](int64_t s, Scratch& scratch) { pool(batch, s, scratch); });
    workers.run(heads, true, [&](int64_t head, Scratch& scratch) { apply_value(batch, head, scratch); });
  }
}

}  // namespace valence::backend::cpu
