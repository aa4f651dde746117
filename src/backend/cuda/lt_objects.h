// cuBLASLt's descriptions of matrices and products, and the choice of an algorithm.
#pragma once

#include <cublasLt.h>

#include <optional>
#include <utility>

#include "backend/cuda/cublaslt.h"
#include "backend/cuda/kernels.h"

namespace valence::backend::cuda {

constexpr size_t kMatmulWorkspace = size_t{32} << 20;  // bytes; what NVIDIA recommends for Hopper

// One handle for all backends of the process; cuBLASLt's are thread-safe.
cublasLtHandle_t cublaslt_handle();

// A matrix stored by columns: `count` columns of `length` values, `stride` values from one to the next.
class Layout {
 public:
  Layout(Element type, int64_t length, int64_t count, int64_t stride) {
    check(cublaslt().layout_create(&layout_, type == Element::kFp32 ? CUDA_R_32F : CUDA_R_16BF,
                                   static_cast<uint64_t>(length), static_cast<uint64_t>(count), stride),
          "describing a matrix");
  }
  ~Layout() { cublaslt().layout_destroy(layout_); }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  cublasLtMatrixLayout_t get() const { return layout_; }

 private:
  cublasLtMatrixLayout_t layout_ = nullptr;
};

class ProductDescription {
 public:
  explicit ProductDescription(cublasComputeType_t compute) {
    check(cublaslt().desc_create(&description_, compute, CUDA_R_32F), "describing a product");
  }
  ~ProductDescription() {
    if (description_ != nullptr) cublaslt().desc_destroy(description_);
  }
  ProductDescription(ProductDescription&& other) noexcept
      : description_(std::exchange(other.description_, nullptr)) {}
  template <typename T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    check(cublaslt().desc_set(description_, attribute, &value, sizeof value), "describing a product");
  }
  cublasLtMatmulDesc_t get() const { return description_; }

 private:
  cublasLtMatmulDesc_t description_ = nullptr;
};

// How sums over the depth may be taken: in one piece, or in several whose parts are added in a fixed order.
enum class Sums { kOnePiece, kAnyFixedOrder };

// The first of cuBLASLt's proposals that keeps to it; none when there is none.
std::optional<cublasLtMatmulAlgo_t> choose_algorithm(const ProductDescription& description, const Layout& a,
                                                     const Layout& b, const Layout& c, Sums sums);

}  // namespace valence::backend::cuda
