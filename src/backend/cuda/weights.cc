#include "backend/cuda/weights.h"

#include <algorithm>

#include "backend/source.h"

namespace valence::backend::cuda {
namespace {

constexpr int64_t kPanelValues = int64_t{8}
                                 << 20;  // converted at a time, so that the originals need little room

int64_t blocks_of(int64_t count) { return (count + tensor::kNf4Block - 1) / tensor::kNf4Block; }

// Rows [begin, begin + rows) of a matrix in another type than NF4. Sources need not be aligned: their
// addresses are counted in bytes.
MatrixSource rows_of(const MatrixSource& source, int64_t begin, int64_t rows) {
  const int64_t first = begin * source.in_features;
  const auto moved = []<typename T>(const T*& values, int64_t count) {
    if (values == nullptr) return;
    const char* bytes = reinterpret_cast<const char*>(values) + count * static_cast<int64_t>(sizeof(T));
    values = reinterpret_cast<const T*>(bytes);
  };
  MatrixSource part = source;
  part.out_features = rows;
  moved(part.fp32, first);
  moved(part.bf16, first);
  moved(part.int8, first);
  moved(part.row_scales, begin);
  return part;
}

void convert_into(const MatrixSource& source, Element type, void* out) {
  // The blocks of NF4 run on from row to row.
  const int64_t panel = source.type == WeightType::kNf4
                            ? source.out_features
                            : std::max<int64_t>(1, kPanelValues / source.in_features);
  for (int64_t begin = 0; begin < source.out_features; begin += panel) {
    const StoredMatrix part(rows_of(source, begin, std::min(panel, source.out_features - begin)));
    convert(part.source(), type, static_cast<char*>(out) + begin * source.in_features * bytes_of(type),
            nullptr);
    check(cudaStreamSynchronize(nullptr), "converting weights");
  }
}

}  // namespace

StoredMatrix::StoredMatrix(const MatrixSource& source) : source_(source) {
  const int64_t count = source.out_features * source.in_features;
  const auto size = static_cast<size_t>(count);
  switch (source.type) {
    case WeightType::kFp32:
      values_ = uploaded(source.fp32, 4 * size);
      break;
    case WeightType::kBf16:
      values_ = uploaded(source.bf16, 2 * size);
      break;
    case WeightType::kInt8:
      values_ = uploaded(source.int8, size);
      scales_ = uploaded(source.row_scales, 4 * static_cast<size_t>(source.out_features));
      break;
    case WeightType::kNf4:
      values_ = uploaded(source.nf4, (size + 1) / 2);
      scales_ = uploaded(source.block_absmax, 4 * static_cast<size_t>(blocks_of(count)));
      codebook_ = uploaded(source.codebook, 16 * sizeof(float));
      break;
  }
  source_.fp32 = values_.as<const float>();
  source_.bf16 = values_.as<const uint16_t>();
  source_.int8 = values_.as<const int8_t>();
  source_.nf4 = values_.as<const uint8_t>();
  source_.row_scales = source_.block_absmax = scales_.as<const float>();
  source_.codebook = codebook_.as<const float>();
}

DeviceMemory converted(const MatrixSource& source, Element type) {
  DeviceMemory values(static_cast<size_t>(source.out_features * source.in_features * bytes_of(type)));
  convert_into(source, type, values.data());
  return values;
}

CudaLinear::CudaLinear(const MatrixSource& source, bool as_nf4, const float* bias, Element type)
    : element_(type), out_(source.out_features), in_(source.in_features) {
  if (!as_nf4) {
    values_ = converted(source, type);
  } else if (source.type == WeightType::kNf4) {
    nf4_ = StoredMatrix(source);
  } else {
    const tensor::Nf4Values quantized = to_nf4(source);
    nf4_ = StoredMatrix(nf4_source(quantized, out_, in_));
  }
  if (bias != nullptr) set_bias({bias, static_cast<size_t>(out_)});
}

CudaLinear::CudaLinear(std::span<const MatrixSource> parts, std::span<const float> bias, Element type)
    : element_(type), in_(parts.front().in_features) {
  for (const MatrixSource& part : parts) out_ += part.out_features;
  values_ = DeviceMemory(static_cast<size_t>(out_ * in_ * bytes_of(type)));
  char* out = values_.as<char>();
  for (const MatrixSource& part : parts) {
    convert_into(part, type, out);
    out += part.out_features * part.in_features * bytes_of(type);
  }
  set_bias(bias);
}

void CudaLinear::set_bias(std::span<const float> bias) {
  bias_fp32_ = uploaded(bias);
  bias_ = converted(
      {.out_features = 1, .in_features = static_cast<int64_t>(bias.size()), .fp32 = bias.data()}, element_);
}

WeightType CudaLinear::type() const {
  if (is_nf4()) return WeightType::kNf4;
  return element_ == Element::kFp32 ? WeightType::kFp32 : WeightType::kBf16;
}

size_t CudaLinear::bytes() const {
  return values_.bytes() + bias_.bytes() + bias_fp32_.bytes() + nf4_.bytes();
}

}  // namespace valence::backend::cuda
