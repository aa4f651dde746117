// Weights in the panels that the kernels read (kernels.h). A panel holds `columns` output features, the last
// one padded with zeros, line after line along the input features:
//   fp32, bf16   [in][columns]
//   int8         [ceil(in / 4)][columns][4], zeros behind the last input feature
//   bf16 pairs   [ceil(in / 2)][columns][2], where the ISA multiplies bf16 itself
//   nf4          [in][columns / 2] bytes, as Kernels::expand_nf4 reads them; scales [in / nf4_run][columns]
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/aligned.h"
#include "backend/cpu/kernels.h"

namespace valence::backend::cpu {

class PackedLinear : public Linear {
 public:
  PackedLinear(const Kernels& kernels, const MatrixSource& source, WeightType type, const float* bias);

  WeightType type() const override { return type_; }
  int64_t out_features() const override { return out_; }
  int64_t in_features() const override { return in_; }
  size_t bytes() const override;

  const Kernels& kernels() const { return kernels_; }
  int64_t panels() const { return panels_; }
  // Steps of the products of this type, over all of in_features.
  int64_t steps() const { return steps_; }
  // The line of `step` in panel `panel`.
  const std::byte* line(int64_t panel, int64_t step) const {
    return data_.data() + panel * panel_bytes_ + step * line_bytes_;
  }
  int64_t line_bytes() const { return line_bytes_; }
  // NF4: input features with one scale for each column, and those scales of the run that holds `step`.
  int64_t nf4_run() const { return nf4_run_; }
  const float* nf4_scales(int64_t panel, int64_t step) const {
    return nf4_scales_.data() + (panel * (in_ / nf4_run_) + step / nf4_run_) * kernels_.columns;
  }
  const float* codebook() const { return codebook_; }
  const float* bias() const { return bias_.empty() ? nullptr : bias_.data(); }
  const float* column_scales() const { return column_scales_.data(); }  // int8: [out]
  const int32_t* compensation() const { return compensation_.data(); }  // int8: [out], 128 sum of the weights

 private:
  void pack_fp32(const MatrixSource& source);
  void pack_bf16(const MatrixSource& source);
  void pack_int8(const MatrixSource& source);
  void pack_nf4(const MatrixSource& source);
  void allocate(int64_t steps, int64_t line_bytes);

  const Kernels& kernels_;
  WeightType type_;
  int64_t out_, in_, panels_;
  int64_t steps_ = 0, line_bytes_ = 0, panel_bytes_ = 0;
  AlignedArray<std::byte> data_;
  std::vector<float> bias_, column_scales_, nf4_scales_;
  std::vector<int32_t> compensation_;
  int64_t nf4_run_ = 1;
  float codebook_[16] = {};
};

}  // namespace valence::backend::cpu
