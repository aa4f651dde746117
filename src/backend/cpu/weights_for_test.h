// Matrices in every type that a checkpoint may hold, and what values they stand for.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "tensor/floats.h"
#include "tensor/int8.h"
#include "tensor/nf4.h"

namespace valence::backend::cpu {

// How a matrix is stored; NF4 also with its absmax values quantized a second time.
enum class Storage { kFp32, kBf16, kInt8, kNf4, kNf4Double };
constexpr Storage kStorages[] = {Storage::kFp32, Storage::kBf16, Storage::kInt8, Storage::kNf4,
                                 Storage::kNf4Double};

// A stored matrix [out, in]. Fp32, bf16, int8 and scales begin at an odd address, as in a mapped file.
class StoredMatrix {
 public:
  StoredMatrix(const std::vector<float>& values, int64_t out, int64_t in, Storage storage) {
    source_.out_features = out;
    source_.in_features = in;
    switch (storage) {
      case Storage::kFp32:
        source_.fp32 = misaligned<float>(values.data(), values.size());
        break;
      case Storage::kBf16:
        store_bf16(values);
        break;
      case Storage::kInt8:
        store_int8(values, out, in);
        break;
      case Storage::kNf4:
      case Storage::kNf4Double:
        store_nf4(values, storage == Storage::kNf4Double);
        break;
    }
  }

  const MatrixSource& source() const { return source_; }

  // The values that it stands for, [out, in].
  std::vector<float> values() const {
    std::vector<float> result(static_cast<size_t>(source_.out_features * source_.in_features));
    for (size_t i = 0; i < result.size(); ++i) {
      const size_t row = i / static_cast<size_t>(source_.in_features);
      switch (source_.type) {
        case WeightType::kFp32:
          std::memcpy(&result[i], memory_.data() + 1 + 4 * i, 4);
          break;
        case WeightType::kBf16: {
          uint16_t bits;
          std::memcpy(&bits, memory_.data() + 1 + 2 * i, 2);
          result[i] = tensor::bf16_to_float(bits);
          break;
        }
        case WeightType::kInt8:
          result[i] = static_cast<float>(source_.int8[i]) * scales_[row];
          break;
        case WeightType::kNf4:
          result[i] = source_.codebook[i % 2 ? nf4_.packed[i / 2] & 15 : nf4_.packed[i / 2] >> 4] *
                      nf4_.absmax[i / 64];
          break;
      }
    }
    return result;
  }

 private:
  template <typename T>
  const T* misaligned(const T* values, size_t count) {
    memory_.resize(1 + count * sizeof(T));
    std::memcpy(memory_.data() + 1, values, count * sizeof(T));
    return reinterpret_cast<const T*>(memory_.data() + 1);
  }

  void store_bf16(const std::vector<float>& values) {
    std::vector<uint16_t> bits;
    for (const float value : values) bits.push_back(tensor::float_to_bf16(value));
    source_.type = WeightType::kBf16;
    source_.bf16 = misaligned<uint16_t>(bits.data(), bits.size());
  }

  void store_int8(const std::vector<float>& values, int64_t out, int64_t in) {
    std::vector<int8_t> quantized(values.size());
    scales_.resize(static_cast<size_t>(out));
    tensor::quantize_rows_int8(values.data(), out, in, quantized.data(), scales_.data());
    source_.type = WeightType::kInt8;
    source_.int8 = misaligned<int8_t>(quantized.data(), quantized.size());
    source_.row_scales = scales_.data();
  }

  void store_nf4(const std::vector<float>& values, bool twice) {
    nf4_ = tensor::quantize_nf4(values);
    if (twice) {
      const tensor::NestedAbsmax nested = tensor::quantize_absmax(nf4_.absmax);
      nf4_.absmax = tensor::restore_absmax(nested.codes, nested.absmax, tensor::dynamic_map(), nested.offset);
    }
    source_.type = WeightType::kNf4;
    source_.nf4 = nf4_.packed.data();
    source_.block_absmax = nf4_.absmax.data();
    source_.codebook = tensor::kNf4Codebook.data();
  }

  MatrixSource source_;
  std::vector<char> memory_;
  std::vector<float> scales_;
  tensor::Nf4Values nf4_;
};

// The values that a matrix [out, in] has once it is converted to `type`.
inline std::vector<float> converted(const StoredMatrix& matrix, WeightType type) {
  const std::vector<float> values = matrix.values();
  if (type == matrix.source().type || type == WeightType::kFp32) return values;
  const Storage storage = type == WeightType::kBf16   ? Storage::kBf16
                          : type == WeightType::kInt8 ? Storage::kInt8
                                                      : Storage::kNf4;
  return StoredMatrix(values, matrix.source().out_features, matrix.source().in_features, storage).values();
}

constexpr WeightType kTypes[] = {WeightType::kFp32, WeightType::kBf16, WeightType::kInt8, WeightType::kNf4};

inline std::string type_name(WeightType type) {
  return std::string(std::vector<const char*>{"fp32", "bf16", "int8", "nf4"}[static_cast<size_t>(type)]);
}

}  // namespace valence::backend::cpu
