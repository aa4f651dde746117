// The tensors of a model in training, and the gradients of those that are trained.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/backend.h"

namespace valence::nn {

// A matrix [rows, columns], or a vector as one row.
struct Parameter {
  std::string name;  // as in a checkpoint
  int64_t rows = 1, columns = 0;
  bool is_vector = false;
  bool trained = false;
  std::vector<float> value;
  // Of a trained one, kept over the micro batches of a step. Of a word table only the rows of words that
  // occurred: row_of says where the row of a word lies.
  std::vector<float> gradient;
  bool by_rows = false;
  std::unordered_map<int32_t, int64_t> row_of;

  int64_t count() const { return rows * columns; }
  backend::MatrixSource source() const {
    return {.out_features = rows, .in_features = columns, .fp32 = value.data()};
  }
  // Where the gradient of a row is added up.
  float* gradient_row(int32_t row) {
    if (!by_rows) return gradient.data() + row * columns;
    const auto [found, added] = row_of.emplace(row, static_cast<int64_t>(row_of.size()));
    if (added) gradient.resize(static_cast<size_t>(columns) * row_of.size(), 0.0f);
    return gradient.data() + found->second * columns;
  }
  void clear_gradient() {
    if (by_rows) {
      row_of.clear();
      gradient.clear();
    } else {
      gradient.assign(value.size(), 0.0f);
    }
  }
};

}  // namespace valence::nn
