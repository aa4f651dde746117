// Rows that are looked up.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "tensor/nf4.h"

namespace valence::backend::cpu {

class SourceTable : public Table {
 public:
  // Points to the values of the source; what is small beside them (scales, codebook) is copied.
  explicit SourceTable(const MatrixSource& source);
  // Keeps a copy of its own, converted to `type`.
  SourceTable(const MatrixSource& source, WeightType type);

  int64_t rows() const override { return source_.out_features; }
  int64_t columns() const override { return source_.in_features; }
  size_t bytes() const override;

  // Errors: kBadData when an id is not a row of the table.
  void gather(std::span<const int32_t> ids, bool accumulate, float* y) const;

 private:
  MatrixSource source_;
  std::vector<float> fp32_, row_scales_;
  std::vector<uint16_t> bf16_;
  std::vector<int8_t> int8_;
  tensor::Nf4Values nf4_;
};

}  // namespace valence::backend::cpu
