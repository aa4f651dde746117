// What a model keeps in GPU memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cuda/device.h"
#include "backend/cuda/kernels.h"

namespace valence::backend::cuda {

// The values of a stored matrix as activations' type, in GPU memory; done when it returns.
DeviceMemory converted(const MatrixSource& source, Element type);

// A matrix in GPU memory, in the type that it is stored in.
class StoredMatrix {
 public:
  StoredMatrix() = default;
  explicit StoredMatrix(const MatrixSource& source);
  const MatrixSource& source() const { return source_; }  // its pointers are to GPU memory
  size_t bytes() const { return values_.bytes() + scales_.bytes() + codebook_.bytes(); }

 private:
  MatrixSource source_;
  DeviceMemory values_, scales_, codebook_;
};

// A matrix [out, in] and its bias: in the activations' type, or packed in NF4.
class CudaLinear : public Linear {
 public:
  // bias [out] may be null.
  CudaLinear(const MatrixSource& source, bool as_nf4, const float* bias, Element type);
  // Matrices of one width on top of each other.
  CudaLinear(std::span<const MatrixSource> parts, std::span<const float> bias, Element type);

  WeightType type() const override;
  int64_t out_features() const override { return out_; }
  int64_t in_features() const override { return in_; }
  size_t bytes() const override;

  bool is_nf4() const { return values_.data() == nullptr; }
  const MatrixSource& nf4() const { return nf4_.source(); }  // in GPU memory, when it is NF4
  const void* values() const { return values_.data(); }      // [out, in], else
  const void* bias() const { return bias_.data(); }          // [out], or null
  const float* bias_fp32() const { return bias_fp32_.as<const float>(); }

 private:
  void set_bias(std::span<const float> bias);

  Element element_;
  int64_t out_ = 0, in_ = 0;
  DeviceMemory values_, bias_, bias_fp32_;
  StoredMatrix nf4_;
};

class CudaTable : public Table {
 public:
  CudaTable(const MatrixSource& source, Element type)
      : rows_(source.out_features), columns_(source.in_features), values_(converted(source, type)) {}
  int64_t rows() const override { return rows_; }
  int64_t columns() const override { return columns_; }
  size_t bytes() const override { return values_.bytes(); }
  const void* values() const { return values_.data(); }

 private:
  int64_t rows_, columns_;
  DeviceMemory values_;
};

class CudaNorm : public Norm {
 public:
  CudaNorm(std::span<const float> gamma, std::span<const float> beta, float epsilon)
      : columns_(static_cast<int64_t>(gamma.size())),
        gamma_(uploaded(gamma)),
        beta_(uploaded(beta)),
        epsilon_(epsilon) {}
  int64_t columns() const override { return columns_; }
  NormWeights weights() const { return {gamma_.as<const float>(), beta_.as<const float>(), epsilon_}; }

 private:
  int64_t columns_;
  DeviceMemory gamma_, beta_;
  float epsilon_;
};

// Keys and values of all tokens by one product: on a GPU that is cheaper than to absorb it into the query.
struct CudaFirstToken : FirstTokenProjection {
  explicit CudaFirstToken(CudaLinear linear) : key_value(std::move(linear)) {}
  size_t bytes() const override { return key_value.bytes(); }
  CudaLinear key_value;  // [2 * hidden, hidden]
};

class CudaBuffer : public Buffer {
 public:
  CudaBuffer(int64_t count, Element type)
      : capacity_(count), memory_(static_cast<size_t>(count * bytes_of(type))) {}
  int64_t capacity() const override { return capacity_; }
  Activations activations() override { return Activations::at(memory_.data()); }

 private:
  int64_t capacity_;
  DeviceMemory memory_;
};

}  // namespace valence::backend::cuda
