#include "backend/cpu/attention_training.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/cpu/dropout.h"
#include "backend/cpu/panels.h"

namespace valence::backend::cpu {
namespace {

// Keys of one pass, and queries whose scores lie in the first-level cache at a time.
constexpr int64_t kKeyTile = 128, kQueryTile = 48;
constexpr int64_t kParallelWork = 200'000;

// One head of one sequence. Queries and outputs are `hidden` floats apart, keys and values 2 * hidden.
struct Place {
  int64_t head = 0;
  int64_t first_query = 0, queries = 0;
  int64_t first_key = 0, keys = 0;
  float* probabilities = nullptr;  // [queries, keys], or null
};

class HeadTraining {
 public:
  HeadTraining(const Kernels& kernels, const AttentionShape& shape, const Place& place, Scratch& scratch)
      : kernels_(kernels),
        shape_(shape),
        place_(place),
        scratch_(scratch),
        dropout_(kernels, shape.dropout.rate, shape.dropout.key),
        hidden_(shape.hidden()),
        dim_(shape.head_dim),
        scale_(1.0f / std::sqrt(static_cast<float>(shape.head_dim))) {
    const int64_t width = kernels.columns;
    key_tile_ = place.probabilities != nullptr ? place.keys : std::min(kKeyTile, place.keys);
    key_columns_ = panels_of(kernels, key_tile_) * width;
    dim_columns_ = panels_of(kernels, dim_) * width;
    Carver carver(scratch.attention.reserve(static_cast<size_t>(
        2 * key_columns_ * dim_ + key_tile_ * dim_columns_ + 2 * kQueryTile * (dim_ + dim_columns_) +
        3 * kQueryTile * key_columns_ + 2 * key_tile_ * dim_ + 3 * place.queries + 256)));
    keys_ = carver.take(key_columns_ * dim_);
    values_ = carver.take(key_columns_ * dim_);
    key_lines_ = carver.take(key_tile_ * dim_columns_);
    query_ = carver.take(kQueryTile * dim_);
    d_output_ = carver.take(kQueryTile * dim_);
    query_lines_ = carver.take(kQueryTile * dim_columns_);
    d_output_lines_ = carver.take(kQueryTile * dim_columns_);
    probabilities_ = carver.take(kQueryTile * key_columns_);
    d_scores_ = carver.take(kQueryTile * key_columns_);
    dropped_ = carver.take(kQueryTile * key_columns_);
    d_keys_ = carver.take(key_tile_ * dim_);
    d_values_ = carver.take(key_tile_ * dim_);
    states_ = reinterpret_cast<SoftmaxState*>(carver.take(2 * place.queries));
    row_dots_ = carver.take(place.queries);
  }

  void forward(const float* query, const float* key_value, float* output, float* log_sums) {
    const float* keys = key_at(key_value);
    std::fill_n(states_, place_.queries, SoftmaxState{-std::numeric_limits<float>::infinity(), 0.0f});
    for (int64_t key = 0; key < place_.keys; key += key_tile_) {
      const Range range{key, std::min(key + key_tile_, place_.keys)};
      pack_keys(keys + key * 2 * hidden_, range.size(), keys_);
      pack_lines(kernels_, keys + hidden_ + key * 2 * hidden_, 2 * hidden_, range.size(), dim_, key_lines_);
      for (int64_t q = 0; q < place_.queries; q += kQueryTile) {
        add_values({q, std::min(q + kQueryTile, place_.queries)}, range, query_at(query), query_at(output));
      }
    }
    for (int64_t q = 0; q < place_.queries; ++q) {
      kernels_.scale_row(query_at(output) + q * hidden_, dim_, 1.0f / states_[q].sum);
      log_sums[place_.head * shape_.queries() + place_.first_query + q] =
          states_[q].maximum + std::log(states_[q].sum);
    }
  }

  void backward(const float* query, const float* key_value, const float* output, const float* log_sums,
                const float* d_output, float* d_query, float* d_key_value) {
    const float* keys = key_at(key_value);
    const float* log_sum = log_sums + place_.head * shape_.queries() + place_.first_query;
    for (int64_t q = 0; q < place_.queries; ++q) {
      const float *o = query_at(output) + q * hidden_, *d = query_at(d_output) + q * hidden_;
      kernels_.dot_rows(o, &d, 1, dim_, row_dots_ + q);
    }
    for (int64_t key = 0; key < place_.keys; key += key_tile_) {
      const Range range{key, std::min(key + key_tile_, place_.keys)};
      const float* tile_keys = keys + key * 2 * hidden_;
      pack_keys(tile_keys, range.size(), keys_);
      pack_keys(tile_keys + hidden_, range.size(), values_);
      pack_lines(kernels_, tile_keys, 2 * hidden_, range.size(), dim_, key_lines_);
      for (int64_t q = 0; q < place_.queries; q += kQueryTile) {
        const Range queries{q, std::min(q + kQueryTile, place_.queries)};
        take_rows(query_at(query) + q * hidden_, queries.size(), query_);
        take_rows(query_at(d_output) + q * hidden_, queries.size(), d_output_);
        pack_lines(kernels_, query_, dim_, queries.size(), dim_, query_lines_);
        pack_lines(kernels_, d_output_, dim_, queries.size(), dim_, d_output_lines_);
        add_gradients(queries, range, log_sum, query_at(d_query));
      }
      float* d_keys = key_at(d_key_value) + key * 2 * hidden_;
      for (int64_t k = 0; k < range.size(); ++k) {
        copy_row(d_keys_ + k * dim_, dim_, d_keys + k * 2 * hidden_);
        copy_row(d_values_ + k * dim_, dim_, d_keys + k * 2 * hidden_ + hidden_);
      }
    }
  }

 private:
  template <typename T>
  T* query_at(T* rows) const {
    return rows + place_.first_query * hidden_ + place_.head * dim_;
  }
  template <typename T>
  T* key_at(T* rows) const {
    return rows + place_.first_key * 2 * hidden_ + place_.head * dim_;
  }
  void pack_keys(const float* rows, int64_t count, float* panels) const {
    pack_transposed(kernels_, rows, 2 * hidden_, count, dim_, panels);
  }

  // Rows side by side: `hidden` apart they would compete for few lines of the first-level cache.
  void take_rows(const float* rows, int64_t count, float* to) const {
    for (int64_t r = 0; r < count; ++r) copy_row(rows + r * hidden_, dim_, to + r * dim_);
  }

  // c [rows, columns] (+)= a [rows, steps] x panels.
  void product(const float* a, int64_t a_stride, int64_t rows, const float* panels, int64_t steps,
               int64_t columns, float* c, int64_t c_stride, bool resume) {
    Tile tile;
    tile.a = a;
    tile.a_stride = a_stride;
    tile.panel = panels;
    tile.steps = steps;
    tile.c = c;
    tile.c_stride = c_stride;
    tile.resume = resume;
    multiply(kernels_, rows, columns, tile, scratch_);
  }

  // values *= the dropout's factors; a row of a query has a place for each key of its sequence.
  void drop(Range queries, Range keys, const float* values, int64_t stride, float* out) const {
    for (int64_t q = 0; q < queries.size(); ++q) {
      const auto row =
          static_cast<uint64_t>((place_.first_query + queries.begin + q) * shape_.heads + place_.head);
      dropout_.apply((row << 20) + static_cast<uint64_t>(keys.begin), values + q * stride, keys.size(),
                     out + q * key_columns_);
    }
  }

  void add_values(Range queries, Range keys, const float* query, float* output) {
    take_rows(query + queries.begin * hidden_, queries.size(), query_);
    product(query_, dim_, queries.size(), keys_, dim_, key_columns_, probabilities_, key_columns_, false);
    for (int64_t q = 0; q < queries.size(); ++q) {
      const float correction = kernels_.softmax_row(probabilities_ + q * key_columns_, keys.size(), scale_,
                                                    states_[queries.begin + q]);
      if (keys.begin > 0) {
        kernels_.scale_row(output + (queries.begin + q) * hidden_, dim_, correction);
      }
    }
    for (int64_t q = 0; place_.probabilities != nullptr && q < queries.size(); ++q) {
      const float inverse = 1.0f / states_[queries.begin + q].sum;
      const float* row = probabilities_ + q * key_columns_;
      float* kept = place_.probabilities + (queries.begin + q) * place_.keys;
      for (int64_t k = 0; k < keys.size(); ++k) kept[k] = row[k] * inverse;
    }
    if (shape_.dropout.rate > 0) drop(queries, keys, probabilities_, key_columns_, probabilities_);
    product(probabilities_, key_columns_, queries.size(), key_lines_, keys.size(), dim_,
            output + queries.begin * hidden_, hidden_, keys.begin > 0);
  }

  // What this tile of scores gives to d_query [queries of the sequence, hidden], d_keys_ and d_values_.
  void add_gradients(Range queries, Range keys, const float* log_sums, float* d_query) {
    const bool kept = place_.probabilities != nullptr;
    if (!kept) compute_probabilities(queries, keys, log_sums);
    const float* probabilities = kept ? place_.probabilities + queries.begin * place_.keys : probabilities_;
    const int64_t stride = kept ? place_.keys : key_columns_;
    const bool drops = shape_.dropout.rate > 0;
    if (drops) drop(queries, keys, probabilities, stride, dropped_);
    add_turned(drops ? dropped_ : probabilities, drops ? key_columns_ : stride, queries, keys,
               d_output_lines_, d_values_);

    product(d_output_, dim_, queries.size(), values_, dim_, key_columns_, d_scores_, key_columns_, false);
    if (drops) drop(queries, keys, d_scores_, key_columns_, d_scores_);
    for (int64_t q = 0; q < queries.size(); ++q) {
      kernels_.softmax_backward_row(probabilities + q * stride, keys.size(), row_dots_[queries.begin + q],
                                    scale_, d_scores_ + q * key_columns_);
    }
    add_turned(d_scores_, key_columns_, queries, keys, query_lines_, d_keys_);
    product(d_scores_, key_columns_, queries.size(), key_lines_, keys.size(), dim_,
            d_query + queries.begin * hidden_, hidden_, keys.begin > 0);
  }

  void compute_probabilities(Range queries, Range keys, const float* log_sums) {
    product(query_, dim_, queries.size(), keys_, dim_, key_columns_, probabilities_, key_columns_, false);
    for (int64_t q = 0; q < queries.size(); ++q) {
      kernels_.exp_row(probabilities_ + q * key_columns_, keys.size(), scale_, log_sums[queries.begin + q]);
    }
  }

  // to [keys, dim] (+)= rows [queries, keys] transposed x lines.
  void add_turned(const float* rows, int64_t stride, Range queries, Range keys, const float* lines,
                  float* to) {
    Tile tile;
    tile.a = rows;
    tile.a_stride = stride;
    tile.panel = lines;
    tile.steps = queries.size();
    tile.c = to;
    tile.c_stride = dim_;
    tile.resume = queries.begin > 0;
    multiply_turned(kernels_, keys.size(), dim_, tile, scratch_);
  }

  const Kernels& kernels_;
  const AttentionShape& shape_;
  const Place place_;
  Scratch& scratch_;
  const DropFactors dropout_;
  const int64_t hidden_, dim_;
  const float scale_;
  int64_t key_tile_, key_columns_, dim_columns_;
  float *keys_, *values_;                 // panels, a key a column: [ceil(keys / columns)][dim][columns]
  float* key_lines_;                      // panels of lines: [ceil(dim / columns)][keys][columns]
  float *query_, *d_output_;              // [query tile, dim]
  float *query_lines_, *d_output_lines_;  // the same in panels of lines
  float *probabilities_, *d_scores_, *dropped_;  // [query tile, key_columns_]
  float *d_keys_, *d_values_;                    // [key tile, dim]
  SoftmaxState* states_;                         // [queries]
  float* row_dots_;                              // [queries]
};

template <typename Function>
void for_each_head(const AttentionShape& shape, Workers& workers, const Function& function) {
  // Where each sequence's matrices begin, and how much all of them hold.
  std::vector<int64_t> begins{0};
  for (int64_t s = 0; s < shape.sequences(); ++s) begins.push_back(begins.back() + shape.pairs(s));
  const double work = 2.0 * static_cast<double>(begins.back() * shape.hidden());
  workers.run(shape.sequences() * shape.heads, work > kParallelWork, [&](int64_t index, Scratch& scratch) {
    const int64_t sequence = index / shape.heads;
    Place place;
    place.head = index % shape.heads;
    place.first_key = shape.cumulative_lengths[static_cast<size_t>(sequence)];
    place.keys = shape.cumulative_lengths[static_cast<size_t>(sequence + 1)] - place.first_key;
    place.first_query = shape.first_only ? sequence : place.first_key;
    place.queries = shape.first_only ? 1 : place.keys;
    if (shape.probabilities != nullptr) {
      place.probabilities =
          shape.probabilities + place.head * begins.back() + begins[static_cast<size_t>(sequence)];
    }
    if (place.keys > 0) function(place, scratch);
  });
}

}  // namespace

void attention_forward(const Kernels& kernels, const AttentionShape& shape, const float* query,
                       const float* key_value, float* output, float* log_sums, Workers& workers) {
  for_each_head(shape, workers, [&](const Place& place, Scratch& scratch) {
    HeadTraining(kernels, shape, place, scratch).forward(query, key_value, output, log_sums);
  });
}

void attention_backward(const Kernels& kernels, const AttentionShape& shape, const float* query,
                        const float* key_value, const float* output, const float* log_sums,
                        const float* d_output, float* d_query, float* d_key_value, Workers& workers) {
  for_each_head(shape, workers, [&](const Place& place, Scratch& scratch) {
    HeadTraining(kernels, shape, place, scratch)
        .backward(query, key_value, output, log_sums, d_output, d_query, d_key_value);
  });
}

}  // namespace valence::backend::cpu
