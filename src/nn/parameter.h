// The tensors of a model in training, and the gradients of those that are trained.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend/floats.h"

namespace valence::nn {

// A matrix [rows, columns], or a vector as one row.
struct Parameter {
  std::string name;  // as in a checkpoint
  int64_t rows = 1, columns = 0;
  bool is_vector = false;
  bool trained = false;
  backend::Floats value;
  // Of a trained one, kept over the micro batches of a step. Of a word table (by_rows) only the rows of words
  // that occurred: slot_of_row says where the row of a word lies, or -1.
  backend::Floats gradient;
  bool by_rows = false;
  std::vector<int32_t> slot_of_row;     // [rows]
  std::vector<int32_t> occurring_rows;  // in the order of their slots

  int64_t count() const { return rows * columns; }
  backend::MatrixSource source() const {
    return {.out_features = rows, .in_features = columns, .fp32 = value.data()};
  }
  // Where the gradients of these rows are added up; makes room for those that are new.
  std::vector<int32_t> slots_of(backend::TrainingBackend& backend, std::span<const int32_t> wanted) {
    std::vector<int32_t> slots;
    slots.reserve(wanted.size());
    for (const int32_t row : wanted) {
      int32_t& slot = slot_of_row[static_cast<size_t>(row)];
      if (slot < 0) {
        slot = static_cast<int32_t>(occurring_rows.size());
        occurring_rows.push_back(row);
      }
      slots.push_back(slot);
    }
    gradient.grow(backend, static_cast<int64_t>(occurring_rows.size()) * columns);
    return slots;
  }
  void clear_gradient(backend::TrainingBackend& backend) {
    if (!by_rows) return gradient.set_zero(backend, count());
    slot_of_row.resize(static_cast<size_t>(rows), -1);
    for (const int32_t row : occurring_rows) slot_of_row[static_cast<size_t>(row)] = -1;
    occurring_rows.clear();
    gradient.room(backend, 0);
  }
};

}  // namespace valence::nn
