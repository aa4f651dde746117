#include "backend/cpu/packed.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include "backend/source.h"
#include "base/error.h"
#include "tensor/floats.h"
#include "tensor/int8.h"
#include "tensor/nf4.h"

namespace valence::backend::cpu {
namespace {

constexpr int64_t kInt8Group = 4;  // values of a word
// More would let a sum of 127 x 255 overflow 32 bits.
constexpr int64_t kMostInt8Inputs = 65'536;

constexpr int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

// Quantizes a row of int8 values with the larger scale that Kernels::largest_sum16 asks for; returns it.
// Rounding may lift a sum above the limit once more, so the scale grows until none is. It starts from int8
// whatever the checkpoint holds, so that an int8 folder gives the answers of the model that it was made from.
float limit_sums16(const Kernels& kernels, float scale, std::vector<int8_t>& values) {
  const auto count = static_cast<int64_t>(values.size());
  const std::vector<int8_t> before = values;
  float shrink = 1;
  for (int largest; (largest = kernels.largest_sum16(values.data(), count)) > kSum16;) {
    shrink *= static_cast<float>(kSum16) / static_cast<float>(largest);
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<int8_t>(std::lrintf(static_cast<float>(before[i]) * shrink));
    }
  }
  return scale / shrink;
}

}  // namespace

PackedLinear::PackedLinear(const Kernels& kernels, const MatrixSource& source, WeightType type,
                           const float* bias)
    : kernels_(kernels),
      type_(type),
      out_(source.out_features),
      in_(source.in_features),
      panels_((source.out_features + kernels.columns - 1) / kernels.columns) {
  if (bias) bias_.assign(bias, bias + out_);
  switch (type) {
    case WeightType::kFp32:
      pack_fp32(source);
      break;
    case WeightType::kBf16:
      pack_bf16(source);
      break;
    case WeightType::kInt8:
      if (in_ > kMostInt8Inputs) {
        throw Error(ErrorCode::kBadConfig, "int8: a matrix with " + std::to_string(in_) +
                                               " inputs, expected at most " +
                                               std::to_string(kMostInt8Inputs));
      }
      pack_int8(source);
      break;
    case WeightType::kNf4:
      pack_nf4(source);
      break;
  }
}

size_t PackedLinear::bytes() const {
  return data_.bytes() +
         4 * (bias_.size() + column_scales_.size() + nf4_scales_.size() + compensation_.size());
}

void PackedLinear::allocate(int64_t steps, int64_t line_bytes) {
  steps_ = steps;
  line_bytes_ = line_bytes;
  panel_bytes_ = round_up(steps * line_bytes, 64);
  data_ = AlignedArray<std::byte>(static_cast<size_t>(panels_ * panel_bytes_));
  if (out_ % kernels_.columns != 0) {
    std::memset(data_.data() + (panels_ - 1) * panel_bytes_, 0, static_cast<size_t>(panel_bytes_));
  }
}

void PackedLinear::pack_fp32(const MatrixSource& source) {
  const int columns = kernels_.columns;
  allocate(in_, columns * 4);
  std::vector<float> row(static_cast<size_t>(in_));
  for (int64_t r = 0; r < out_; ++r) {
    read_row(source, r, row.data());
    float* column = reinterpret_cast<float*>(data_.data() + r / columns * panel_bytes_) + r % columns;
    for (int64_t i = 0; i < in_; ++i) column[i * columns] = row[static_cast<size_t>(i)];
  }
}

void PackedLinear::pack_bf16(const MatrixSource& source) {
  const int columns = kernels_.columns;
  const int group = kernels_.product_bf16 ? 2 : 1;
  allocate((in_ + group - 1) / group, columns * group * 2);
  std::vector<float> row(static_cast<size_t>(round_up(in_, group)));
  for (int64_t r = 0; r < out_; ++r) {
    read_row(source, r, row.data());
    uint16_t* column =
        reinterpret_cast<uint16_t*>(data_.data() + r / columns * panel_bytes_) + r % columns * group;
    for (int64_t i = 0; i < static_cast<int64_t>(row.size()); ++i) {
      column[i / group * columns * group + i % group] = tensor::float_to_bf16(row[static_cast<size_t>(i)]);
    }
  }
}

void PackedLinear::pack_int8(const MatrixSource& source) {
  const int columns = kernels_.columns;
  allocate((in_ + kInt8Group - 1) / kInt8Group, columns * kInt8Group);
  column_scales_.resize(static_cast<size_t>(out_));
  compensation_.assign(static_cast<size_t>(out_), 0);
  std::vector<float> row(static_cast<size_t>(in_));
  // The padding, which stays zero, makes whole vectors.
  std::vector<int8_t> values(static_cast<size_t>(round_up(steps_ * kInt8Group, 32)));
  for (int64_t r = 0; r < out_; ++r) {
    float& scale = column_scales_[static_cast<size_t>(r)];
    read_row(source, r, row.data());
    scale = source.type == WeightType::kInt8 ? copy_int8_row(source, r, values.data())
                                             : tensor::quantize_row_int8(row.data(), in_, values.data());
    if (kernels_.largest_sum16 != nullptr) scale = limit_sums16(kernels_, scale, values);
    std::byte* column = data_.data() + r / columns * panel_bytes_ + r % columns * kInt8Group;
    for (int64_t step = 0; step < steps_; ++step) {
      std::memcpy(column + step * line_bytes_, values.data() + step * kInt8Group, kInt8Group);
    }
    compensation_[static_cast<size_t>(r)] = 128 * std::accumulate(values.begin(), values.end(), int32_t{0});
  }
}

void PackedLinear::pack_nf4(const MatrixSource& from) {
  tensor::Nf4Values quantized;
  MatrixSource source = from;
  if (source.type != WeightType::kNf4) {
    quantized = to_nf4(from);
    source = nf4_source(quantized, out_, in_);
  }
  const int columns = kernels_.columns, half = columns / 2;
  allocate(in_, half);
  // The longest run of input features that never crosses a block, in any row.
  nf4_run_ = std::gcd(in_, tensor::kNf4Block);
  const int64_t runs = in_ / nf4_run_;
  nf4_scales_.assign(static_cast<size_t>(panels_ * runs * columns), 0.0f);
  std::copy_n(source.codebook, 16, codebook_);
  std::memset(data_.data(), 0, data_.bytes());
  for (int64_t r = 0; r < out_; ++r) {
    const int64_t panel = r / columns, column = r % columns;
    std::byte* line = data_.data() + panel * panel_bytes_ + column % half;
    const int shift = column < half ? 0 : 4;
    for (int64_t i = 0; i < in_; ++i, line += line_bytes_) {
      *line |= static_cast<std::byte>(nf4_code(source.nf4, r * in_ + i) << shift);
    }
    float* scales = nf4_scales_.data() + panel * runs * columns + column;
    for (int64_t run = 0; run < runs; ++run) {
      scales[run * columns] = source.block_absmax[(r * in_ + run * nf4_run_) / tensor::kNf4Block];
    }
  }
}

}  // namespace valence::backend::cpu
