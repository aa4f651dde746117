#include "backend/cpu/table.h"

#include <cstring>
#include <string>

#include "backend/source.h"
#include "base/error.h"
#include "tensor/floats.h"
#include "tensor/int8.h"

namespace valence::backend::cpu {
namespace {

size_t stored_bytes(const MatrixSource& source) {
  const size_t count = static_cast<size_t>(source.out_features * source.in_features);
  switch (source.type) {
    case WeightType::kFp32:
      return 4 * count;
    case WeightType::kBf16:
      return 2 * count;
    case WeightType::kInt8:
      return count + 4 * static_cast<size_t>(source.out_features);
    case WeightType::kNf4:
      return (count + 1) / 2 + (count + 63) / 64 * 4;
  }
  return 0;
}

// Sources need not be aligned.
std::vector<float> copied(const float* values, int64_t count) {
  std::vector<float> copy(static_cast<size_t>(count));
  if (count > 0) std::memcpy(copy.data(), values, copy.size() * sizeof(float));
  return copy;
}

}  // namespace

SourceTable::SourceTable(const MatrixSource& source) : source_(source) {
  if (source.type == WeightType::kInt8) {
    row_scales_ = copied(source.row_scales, source.out_features);
    source_.row_scales = row_scales_.data();
  }
  if (source.type == WeightType::kNf4) {
    const int64_t count = source.out_features * source.in_features;
    nf4_.absmax = copied(source.block_absmax, (count + tensor::kNf4Block - 1) / tensor::kNf4Block);
    fp32_ = copied(source.codebook, 16);
    source_.block_absmax = nf4_.absmax.data();
    source_.codebook = fp32_.data();
  }
}

SourceTable::SourceTable(const MatrixSource& source, WeightType type) {
  const int64_t rows = source.out_features, columns = source.in_features;
  const size_t count = static_cast<size_t>(rows * columns);
  if (type == WeightType::kNf4 && source.type != WeightType::kNf4) {
    nf4_ = to_nf4(source);
    source_ = nf4_source(nf4_, rows, columns);
    return;
  }
  source_.type = type;
  source_.out_features = rows;
  source_.in_features = columns;
  if (type == WeightType::kNf4) {
    nf4_.packed.assign(source.nf4, source.nf4 + (count + 1) / 2);
    nf4_.absmax.assign(source.block_absmax, source.block_absmax + (count + 63) / 64);
    source_ = nf4_source(nf4_, rows, columns);
    fp32_.assign(source.codebook, source.codebook + 16);
    source_.codebook = fp32_.data();
    return;
  }
  if (type == WeightType::kFp32) fp32_.resize(count);
  if (type == WeightType::kBf16) bf16_.resize(count);
  if (type == WeightType::kInt8) int8_.resize(count), row_scales_.resize(static_cast<size_t>(rows));
  source_.fp32 = fp32_.data();
  source_.bf16 = bf16_.data();
  source_.int8 = int8_.data();
  source_.row_scales = row_scales_.data();
  std::vector<float> row(static_cast<size_t>(columns));
  for (int64_t r = 0; r < rows; ++r) {
    const size_t begin = static_cast<size_t>(r * columns);
    if (type == WeightType::kInt8 && source.type == WeightType::kInt8) {
      row_scales_[static_cast<size_t>(r)] = copy_int8_row(source, r, &int8_[begin]);
      continue;
    }
    read_row(source, r, row.data());
    if (type == WeightType::kInt8) {
      row_scales_[static_cast<size_t>(r)] = tensor::quantize_row_int8(row.data(), columns, &int8_[begin]);
    }
    for (size_t i = 0; i < row.size(); ++i) {
      if (type == WeightType::kFp32) fp32_[begin + i] = row[i];
      if (type == WeightType::kBf16) bf16_[begin + i] = tensor::float_to_bf16(row[i]);
    }
  }
}

size_t SourceTable::bytes() const { return stored_bytes(source_); }

void SourceTable::gather(std::span<const int32_t> ids, bool accumulate, float* y) const {
  const int64_t columns = source_.in_features;
  std::vector<float> row(accumulate ? static_cast<size_t>(columns) : 0);
  for (const int32_t id : ids) {
    if (id < 0 || id >= source_.out_features) {
      throw Error(ErrorCode::kBadData, "token id " + std::to_string(id) + " is not a row of the table of " +
                                           std::to_string(source_.out_features) + " embeddings");
    }
    if (accumulate) {
      read_row(source_, id, row.data());
      for (int64_t i = 0; i < columns; ++i) y[i] += row[static_cast<size_t>(i)];
    } else {
      read_row(source_, id, y);
    }
    y += columns;
  }
}

}  // namespace valence::backend::cpu
