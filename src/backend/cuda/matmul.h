// Dense products by cuBLASLt, with one algorithm for a matrix whatever the number of rows: another tile or a
// split sum would give a row other bits in another batch.
#pragma once

#include <cublasLt.h>

#include "backend/cuda/device.h"
#include "backend/cuda/kernels.h"

namespace valence::backend::cuda {

// What is fused behind a product; the order is (x Wᵀ + addend + bias), then the activation.
enum class Fused { kNone, kGelu, kRelu };

// y [rows, out] = fused(x [rows, in] Wᵀ + bias) with optionally + addend, for one shape of W.
class Matmul {
 public:
  // Errors: kRuntime when cuBLASLt knows no algorithm for the shape.
  Matmul(Element type, int64_t out, int64_t in, bool has_bias, Fused fused);

  struct Operands {
    const void* weight = nullptr;  // [out, in]
    const void* bias = nullptr;    // [out] of the same type
    const void* x = nullptr;
    const void* addend = nullptr;  // [rows, out] or null
    void* y = nullptr;
  };
  // `workspace` holds kMatmulWorkspace bytes.
  void run(const Operands& operands, int64_t rows, void* workspace, cudaStream_t stream) const;

 private:
  Element type_;
  int64_t out_, in_;
  bool has_bias_;
  Fused fused_;
  cublasLtMatmulAlgo_t algorithm_;
};

// The product of a shape, chosen once for all matrices of it.
const Matmul& matmul_for(Element type, int64_t out, int64_t in, bool has_bias, Fused fused);

}  // namespace valence::backend::cuda
