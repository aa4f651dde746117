#include "backend/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu/panels.h"

namespace valence::backend::cpu {
namespace {

// Keys and values of one pass, and queries whose scores lie in the first-level cache at a time.
constexpr int64_t kKeyTile = 128, kQueryTile = 48;
// Below this many multiplications waking other threads costs more than it brings.
constexpr int64_t kParallelWork = 400'000;

// One head of one sequence. query, key and value have `stride` floats from token to token, output `hidden`.
struct Head {
  const float* query;
  const float* key;
  const float* value;
  int64_t stride;
  float* output;
  int64_t hidden;
  int64_t length;
  int64_t dim;
};

class HeadAttention {
 public:
  HeadAttention(const Kernels& kernels, const Head& head, Scratch& scratch)
      : kernels_(kernels), head_(head), scratch_(scratch) {
    const int64_t width = kernels.columns;
    key_columns_ = panels_of(kernels, std::min(kKeyTile, head.length)) * width;
    const int64_t value_columns = panels_of(kernels, head.dim) * width;
    const int64_t keys = key_columns_ * head.dim, values = kKeyTile * value_columns;
    const int64_t scores = kQueryTile * key_columns_, states = 2 * head.length;
    Carver carver(scratch.attention.reserve(static_cast<size_t>(keys + values + scores + states + 64)));
    keys_ = carver.take(keys);
    values_ = carver.take(values);
    scores_ = carver.take(scores);
    states_ = reinterpret_cast<SoftmaxState*>(carver.take(states));
  }

  void compute() {
    std::fill_n(states_, head_.length, SoftmaxState{-std::numeric_limits<float>::infinity(), 0.0f});
    for (int64_t key = 0; key < head_.length; key += kKeyTile) {
      const Range keys{key, std::min(key + kKeyTile, head_.length)};
      pack_transposed(kernels_, head_.key + key * head_.stride, head_.stride, keys.size(), head_.dim, keys_);
      pack_lines(kernels_, head_.value + key * head_.stride, head_.stride, keys.size(), head_.dim, values_);
      for (int64_t query = 0; query < head_.length; query += kQueryTile) {
        add_values({query, std::min(query + kQueryTile, head_.length)}, keys);
      }
    }
    for (int64_t q = 0; q < head_.length; ++q) {
      kernels_.scale_row(head_.output + q * head_.hidden, head_.dim, 1.0f / states_[q].sum);
    }
  }

 private:
  // Adds what these keys give to these queries: softmax over all keys so far, not yet divided by its sum.
  void add_values(Range queries, Range keys) {
    Tile scores;
    scores.a = head_.query + queries.begin * head_.stride;
    scores.a_stride = head_.stride;
    scores.panel = keys_;
    scores.steps = head_.dim;
    scores.c = scores_;
    scores.c_stride = key_columns_;
    multiply(kernels_, queries.size(), panels_of(kernels_, keys.size()) * kernels_.columns, scores, scratch_);

    const float scale = 1.0f / std::sqrt(static_cast<float>(head_.dim));
    for (int64_t q = 0; q < queries.size(); ++q) {
      const float correction =
          kernels_.softmax_row(scores_ + q * key_columns_, keys.size(), scale, states_[queries.begin + q]);
      if (keys.begin > 0) {
        kernels_.scale_row(head_.output + (queries.begin + q) * head_.hidden, head_.dim, correction);
      }
    }

    Tile sums;
    sums.a = scores_;
    sums.a_stride = key_columns_;
    sums.panel = values_;
    sums.steps = keys.size();
    sums.c = head_.output + queries.begin * head_.hidden;
    sums.c_stride = head_.hidden;
    sums.resume = keys.begin > 0;
    multiply(kernels_, queries.size(), head_.dim, sums, scratch_);
  }

  const Kernels& kernels_;
  Head head_;
  Scratch& scratch_;
  int64_t key_columns_;
  float* keys_;           // panels of this tile's keys, a key a column: [ceil(keys / columns)][dim][columns]
  float* values_;         // panels of its values: [ceil(dim / columns)][keys][columns]
  float* scores_;         // [query tile, key_columns_]
  SoftmaxState* states_;  // [length]
};

}  // namespace

void attention(const Kernels& kernels, const float* qkv, std::span<const int32_t> cumulative_lengths,
               int heads, int head_dim, float* output, Workers& workers) {
  const int64_t sequences = static_cast<int64_t>(cumulative_lengths.size()) - 1;
  const int64_t hidden = static_cast<int64_t>(heads) * head_dim;
  if (sequences <= 0) return;
  double work = 0;
  for (size_t s = 1; s < cumulative_lengths.size(); ++s) {
    const double length = cumulative_lengths[s] - cumulative_lengths[s - 1];
    work += 2 * length * length * static_cast<double>(hidden);
  }
  workers.run(sequences * heads, work > kParallelWork, [&](int64_t index, Scratch& scratch) {
    const int64_t first = cumulative_lengths[static_cast<size_t>(index / heads)];
    const int64_t last = cumulative_lengths[static_cast<size_t>(index / heads + 1)];
    if (last == first) return;
    const int64_t column = index % heads * head_dim;
    Head head;
    head.query = qkv + first * 3 * hidden + column;
    head.key = head.query + hidden;
    head.value = head.key + hidden;
    head.stride = 3 * hidden;
    head.output = output + first * hidden + column;
    head.hidden = hidden;
    head.length = last - first;
    head.dim = head_dim;
    HeadAttention(kernels, head, scratch).compute();
  });
}

}  // namespace valence::backend::cpu
