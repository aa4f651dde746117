#include "backend/cuda/weights.h"

#include <algorithm>

#include "backend/source.h"

namespace valence::backend::cuda {
namespace {

constexpr int64_t kPanelValues = int64_t{8} << 20;  // converted at a time, so that the originals need little room

int64_t blocks_of(int64_t count) { return (count + tensor::kNf4Block - 1) / tensor::kNf4Block; }

// An NF4 matrix whose parts lie in `codes`, `absmax` and `codebook` of the GPU.
MatrixSource upload_nf4(const MatrixSource& source, DeviceMemory& codes, DeviceMemory& absmax,
                        DeviceMemory& codebook) {
  const int64_t count = source.out_features * source.in_features;
  codes = uploaded(source.nf4, static_cast<size_t>((count + 1) / 2));
  absmax = uploaded(source.block_absmax, static_cast<size_t>(blocks_of(count)) * sizeof(float));
  codebook = uploaded(source.codebook, 16 * sizeof(float));
  MatrixSource on_gpu = source;
  on_gpu.nf4 = codes.as<const uint8_t>();
  on_gpu.block_absmax = absmax.as<const float>();
  on_gpu.codebook = codebook.as<const float>();
  return on_gpu;
}

// Rows [begin, begin + rows) of a matrix in another type than NF4.
void convert_rows(const MatrixSource& source, int64_t begin, int64_t rows, Element type, void* out) {
  const int64_t first = begin * source.in_features;
  const auto count = static_cast<size_t>(rows * source.in_features);
  MatrixSource part = source;
  part.out_features = rows;
  DeviceMemory values, scales;
  // Sources need not be aligned: their addresses are counted in bytes.
  const auto bytes_at = [](const void* values_begin, int64_t offset) {
    return static_cast<const void*>(static_cast<const char*>(values_begin) + offset);
  };
  switch (source.type) {
    case WeightType::kFp32:
      values = uploaded(bytes_at(source.fp32, 4 * first), 4 * count);
      break;
    case WeightType::kBf16:
      values = uploaded(bytes_at(source.bf16, 2 * first), 2 * count);
      break;
    case WeightType::kInt8:
      values = uploaded(bytes_at(source.int8, first), count);
      scales = uploaded(bytes_at(source.row_scales, 4 * begin), 4 * static_cast<size_t>(rows));
      break;
    case WeightType::kNf4:
      return;
  }
  part.fp32 = values.as<const float>();
  part.bf16 = values.as<const uint16_t>();
  part.int8 = values.as<const int8_t>();
  part.row_scales = scales.as<const float>();
  convert(part, type, static_cast<char*>(out) + first * bytes_of(type), nullptr);
  check(cudaStreamSynchronize(nullptr), "converting weights");
}

void convert_into(const MatrixSource& source, Element type, void* out) {
  if (source.type == WeightType::kNf4) {
    DeviceMemory codes, absmax, codebook;
    convert(upload_nf4(source, codes, absmax, codebook), type, out, nullptr);
    check(cudaStreamSynchronize(nullptr), "converting weights");
    return;
  }
  const int64_t panel = std::max<int64_t>(1, kPanelValues / source.in_features);
  for (int64_t begin = 0; begin < source.out_features; begin += panel)
    convert_rows(source, begin, std::min(panel, source.out_features - begin), type, out);
}

}  // namespace

DeviceMemory converted(const MatrixSource& source, Element type) {
  DeviceMemory values(static_cast<size_t>(source.out_features * source.in_features * bytes_of(type)));
  convert_into(source, type, values.data());
  return values;
}

CudaLinear::CudaLinear(const MatrixSource& source, bool as_nf4, const float* bias, Element type)
    : element_(type), packed_(source) {
  if (as_nf4) {
    tensor::Nf4Values quantized;
    if (source.type != WeightType::kNf4) {
      quantized = to_nf4(source);
      packed_ = nf4_source(quantized, source.out_features, source.in_features);
    }
    packed_ = upload_nf4(packed_, nf4_, absmax_, codebook_);
  } else {
    values_ = converted(source, type);
    packed_ = {.out_features = source.out_features, .in_features = source.in_features};
  }
  if (bias != nullptr) set_bias({bias, static_cast<size_t>(source.out_features)});
}

CudaLinear::CudaLinear(std::span<const MatrixSource> parts, std::span<const float> bias, Element type)
    : element_(type) {
  packed_.in_features = parts.front().in_features;
  for (const MatrixSource& part : parts) packed_.out_features += part.out_features;
  values_ = DeviceMemory(static_cast<size_t>(packed_.out_features * packed_.in_features * bytes_of(type)));
  char* out = values_.as<char>();
  for (const MatrixSource& part : parts) {
    convert_into(part, type, out);
    out += part.out_features * part.in_features * bytes_of(type);
  }
  set_bias(bias);
}

void CudaLinear::set_bias(std::span<const float> bias) {
  bias_fp32_ = uploaded(bias);
  bias_ = converted({.out_features = 1, .in_features = static_cast<int64_t>(bias.size()), .fp32 = bias.data()},
                    element_);
}

WeightType CudaLinear::type() const {
  if (is_nf4()) return WeightType::kNf4;
  return element_ == Element::kFp32 ? WeightType::kFp32 : WeightType::kBf16;
}

size_t CudaLinear::bytes() const {
  return values_.bytes() + bias_.bytes() + bias_fp32_.bytes() + nf4_.bytes() + absmax_.bytes() +
         codebook_.bytes();
}

}  // namespace valence::backend::cuda
