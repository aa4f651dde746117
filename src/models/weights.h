// The matrices and vectors of a model by their names, whatever type they are stored in, with an adapter's
// changes applied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "formats/checkpoint.h"
#include "models/adapter.h"

namespace valence::models {

// W + up down, kept apart from a W whose type would lose it: down [rank, in], up [out, rank] with the scale.
struct LowRank {
  int64_t rank = 0;
  std::vector<float> down, up;
};

// A matrix in the type it is stored in. The pointers of `source` lead into the mapped checkpoint or into the
// vectors beside it, so a Matrix may be moved and not copied.
struct Matrix {
  Matrix() = default;
  Matrix(Matrix&&) = default;
  Matrix& operator=(Matrix&&) = default;

  backend::MatrixSource source;
  std::optional<LowRank> update;

  std::vector<float> fp32, scales, codebook;  // scales: of rows (int8) or blocks (NF4)
  std::vector<uint16_t> bf16;
  std::vector<int8_t> int8;
  std::vector<uint8_t> nf4;
};

// The values as fp32 [out, in], without the update.
std::vector<float> restored(const backend::MatrixSource& source);
// Adds the update to the values: the matrix becomes fp32.
void merge_update(Matrix& matrix);
// The values become those that 4 bits can hold, as fp32; those of a matrix stored in 4 bits stay.
void round_to_nf4(Matrix& matrix);
// Matrices of the same width on top of each other; of different types, or where blocks would not meet: fp32.
Matrix stacked(std::vector<Matrix> parts);

class Weights {
 public:
  // `adapter` may be null.
  Weights(const formats::Checkpoint& checkpoint, Adapter* adapter)
      : checkpoint_(checkpoint), adapter_(adapter) {}

  bool has(const std::string& name) const { return find(name) != nullptr; }
  // The matrix `module`.weight [out, in]. Errors: kBadData naming the tensor, its shape and the expected one.
  Matrix matrix(const std::string& module, int64_t out, int64_t in) const;
  // The vector `name` [size]; for a layer norm also under the old names gamma and beta.
  std::vector<float> vector(const std::string& name, int64_t size) const;
  // The vector that is stored as a matrix `name` of one row [1, size].
  std::vector<float> row(const std::string& name, int64_t size) const;
  // `module`.bias [out], with what an adapter adds to it.
  std::vector<float> bias(const std::string& module, int64_t out) const;
  // The type of `module`.weight as stored.
  backend::WeightType stored_type(const std::string& module) const;
  // Rows of `module`.weight as the adapter or the checkpoint has it; 0 when there is none.
  int64_t rows(const std::string& module) const;

 private:
  // By the name, by the old names of layer norms, or without the family's prefix ("bert."), as checkpoints of
  // a bare encoder have it. Null when absent.
  const formats::TensorView* find(const std::string& name) const;
  const formats::TensorView& tensor(const std::string& name) const;
  Matrix stored_matrix(const std::string& module, int64_t out, int64_t in) const;
  Matrix nf4_matrix(const formats::TensorView& view, int64_t out, int64_t in) const;
  std::vector<float> block_absmax(const std::string& name, int64_t out, int64_t in) const;

  const formats::Checkpoint& checkpoint_;
  Adapter* adapter_;
};

}  // namespace valence::models
