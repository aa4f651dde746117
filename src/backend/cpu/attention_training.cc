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
        dropout_(shape.dropout.rate, shape.dropout.key),
        hidden_(shape.hidden()),
        dim_(shape.head_dim),
        scale_(1.0f / std::sqrt(static_cast<float>(shape.head_dim))) {
    const int64_t width = kernels.columns;
    key_tile_ = place.probabilities != nullptr ? place.keys : std::min(kKeyTile, place.keys);
    key_columns_ = panels_of(kernels, key_tile_) * width;
    dim_columns_ = panels_of(kernels, dim_) * width;
    Carver carver(scratch.attention.reserve(static_cast<size_t>(
        2 * key_columns_ * dim_ + key_tile_ * dim_columns_ + 2 * kQueryTile * dim_columns_ +
        3 * kQueryTile * key_columns_ + key_tile_ * kQueryTile + 3 * place.queries + 256)));
    keys_ = carver.take(key_columns_ * dim_);
    values_ = carver.take(key_columns_ * dim_);
    key_lines_ = carver.take(key_tile_ * dim_columns_);
    query_lines_ = carver.take(kQueryTile * dim_columns_);
    output_lines_ = carver.take(kQueryTile * dim_columns_);
    probabilities_ = carver.take(kQueryTile * key_columns_);
    d_probabilities_ = carver.take(kQueryTile * key_columns_);
    dropped_ = carver.take(kQueryTile * key_columns_);
    turned_ = carver.take(key_tile_ * kQueryTile);
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
      double dot = 0;
      for (int64_t i = 0; i < dim_; ++i) dot += static_cast<double>(o[i]) * static_cast<double>(d[i]);
      row_dots_[q] = static_cast<float>(dot);
    }
    for (int64_t key = 0; key < place_.keys; key += key_tile_) {
      const Range range{key, std::min(key + key_tile_, place_.keys)};
      const float* tile_keys = keys + key * 2 * hidden_;
      pack_keys(tile_keys, range.size(), keys_);
      pack_keys(tile_keys + hidden_, range.size(), values_);
      pack_lines(kernels_, tile_keys, 2 * hidden_, range.size(), dim_, key_lines_);
      float* d_keys = const_cast<float*>(key_at(d_key_value)) + key * 2 * hidden_;
      for (int64_t q = 0; q < place_.queries; q += kQueryTile) {
        const Range queries{q, std::min(q + kQueryTile, place_.queries)};
        const float *part = query_at(query) + q * hidden_, *d_part = query_at(d_output) + q * hidden_;
        recompute(queries, range, part, d_part, log_sum);
        pack_lines(kernels_, part, hidden_, queries.size(), dim_, query_lines_);
        pack_lines(kernels_, d_part, hidden_, queries.size(), dim_, output_lines_);
        add_turned(dropped_, queries, range, output_lines_, d_keys + hidden_);
        add_turned(d_probabilities_, queries, range, query_lines_, d_keys);
        product(d_probabilities_, key_columns_, queries.size(), key_lines_, range.size(), dim_,
                query_at(d_query) + q * hidden_, hidden_, key > 0);
      }
    }
  }

 private:
  template <typename T>
  T* query_at(T* rows) const {
    return rows + place_.first_query * hidden_ + place_.head * dim_;
  }
  const float* key_at(const float* rows) const {
    return rows + place_.first_key * 2 * hidden_ + place_.head * dim_;
  }
  void pack_keys(const float* rows, int64_t count, float* panels) const {
    pack_transposed(kernels_, rows, 2 * hidden_, count, dim_, panels);
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
  void drop(Range queries, Range keys, const float* values, float* out) const {
    for (int64_t q = 0; q < queries.size(); ++q) {
      const auto row =
          static_cast<uint64_t>((place_.first_query + queries.begin + q) * shape_.heads + place_.head);
      dropout_.apply((row << 20) + static_cast<uint64_t>(keys.begin), values + q * key_columns_, keys.size(),
                     out + q * key_columns_);
    }
  }

  void add_values(Range queries, Range keys, const float* query, float* output) {
    product(query + queries.begin * hidden_, hidden_, queries.size(), keys_, dim_, key_columns_,
            probabilities_, key_columns_, false);
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
    if (shape_.dropout.rate > 0) drop(queries, keys, probabilities_, probabilities_);
    product(probabilities_, key_columns_, queries.size(), key_lines_, keys.size(), dim_,
            output + queries.begin * hidden_, hidden_, keys.begin > 0);
  }

  // The probabilities after dropout into dropped_, the gradients of the scores into d_probabilities_.
  void recompute(Range queries, Range keys, const float* query, const float* d_output,
                 const float* log_sums) {
    if (place_.probabilities != nullptr) {
      for (int64_t q = 0; q < queries.size(); ++q) {
        std::copy_n(place_.probabilities + (queries.begin + q) * place_.keys, place_.keys,
                    probabilities_ + q * key_columns_);
      }
    } else {
      compute_probabilities(queries, keys, query, log_sums);
    }
    product(d_output, hidden_, queries.size(), values_, dim_, key_columns_, d_probabilities_, key_columns_,
            false);
    if (shape_.dropout.rate > 0) {
      drop(queries, keys, probabilities_, dropped_);
      drop(queries, keys, d_probabilities_, d_probabilities_);
    } else {
      std::copy_n(probabilities_, queries.size() * key_columns_, dropped_);
    }
    for (int64_t q = 0; q < queries.size(); ++q) {
      const float* p = probabilities_ + q * key_columns_;
      float* d = d_probabilities_ + q * key_columns_;
      const float dot = row_dots_[queries.begin + q];
      for (int64_t k = 0; k < keys.size(); ++k) d[k] = p[k] * (d[k] - dot) * scale_;
    }
  }

  void compute_probabilities(Range queries, Range keys, const float* query, const float* log_sums) {
    product(query, hidden_, queries.size(), keys_, dim_, key_columns_, probabilities_, key_columns_, false);
    for (int64_t q = 0; q < queries.size(); ++q) {
      // No score is above the logarithm of the sum: it serves as the maximum, and what comes out is divided.
      SoftmaxState state{log_sums[queries.begin + q], 0.0f};
      kernels_.softmax_row(probabilities_ + q * key_columns_, keys.size(), scale_, state);
    }
  }

  // to [keys, dim] (+)= rows [queries, keys] transposed x lines.
  void add_turned(const float* rows, Range queries, Range keys, const float* lines, float* to) {
    for (int64_t q = 0; q < queries.size(); ++q) {
      for (int64_t k = 0; k < keys.size(); ++k) turned_[k * kQueryTile + q] = rows[q * key_columns_ + k];
    }
    product(turned_, kQueryTile, keys.size(), lines, queries.size(), dim_, to, 2 * hidden_,
            queries.begin > 0);
  }

  const Kernels& kernels_;
  const AttentionShape& shape_;
  const Place place_;
  Scratch& scratch_;
  const DropFactors dropout_;
  const int64_t hidden_, dim_;
  const float scale_;
  int64_t key_tile_, key_columns_, dim_columns_;
  float *keys_, *values_;               // panels, a key a column: [ceil(keys / columns)][dim][columns]
  float* key_lines_;                    // panels of lines: [ceil(dim / columns)][keys][columns]
  float *query_lines_, *output_lines_;  // likewise of a tile's queries
  float *probabilities_, *d_probabilities_, *dropped_;  // [query tile, key_columns_]
  float* turned_;                                       // [key tile, query tile]
  SoftmaxState* states_;                                // [queries]
  float* row_dots_;                                     // [queries]
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
