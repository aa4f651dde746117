#include "backend/cuda/product.h"

#include <bit>
#include <string>

#include "backend/cuda/cublaslt.h"
#include "backend/cuda/lt_objects.h"
#include "base/error.h"

namespace valence::backend::cuda {
namespace {

int64_t rounded(int64_t rows) { return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(rows))); }

struct Layouts {
  Layout b, a, c;
};

// In cuBLASLt's order by columns our rows are columns: cᵀ = bᵀ aᵀ.
Layouts layouts_of(const Product& p, int64_t rows, int64_t depth) {
  return {Layout(Element::kFp32, p.b_transposed ? depth : p.columns(), p.b_transposed ? p.columns() : depth,
                 p.b.in_features),
          Layout(Element::kFp32, p.a_transposed ? rows : depth, p.a_transposed ? depth : rows, p.a_stride),
          Layout(Element::kFp32, p.columns(), rows, p.c_stride)};
}

ProductDescription description_of(const Product& p) {
  ProductDescription description(p.bf16 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F);
  if (p.b_transposed) description.set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  if (p.a_transposed) description.set(CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_T);
  if (p.bias != nullptr) {
    description.set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    description.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(p.bias));
  }
  return description;
}

}  // namespace

void Products::multiply(const Product& product, const float* b, void* workspace, cudaStream_t stream) {
  const ProductDescription description = description_of(product);
  // What varies from batch to batch is the rows, which for the gradient of a matrix are the depth.
  const bool depth_varies = product.a_transposed;
  const Key key{product.bf16,
                product.a_transposed,
                product.b_transposed,
                product.accumulate,
                product.bias != nullptr,
                depth_varies ? product.rows : rounded(product.rows),
                depth_varies ? rounded(product.depth()) : product.depth(),
                product.columns(),
                product.a_stride,
                product.c_stride};
  auto found = known_.find(key);
  if (found == known_.end()) {
    const Layouts usual = layouts_of(product, std::get<5>(key), std::get<6>(key));
    const auto algorithm = choose_algorithm(description, usual.b, usual.a, usual.c, Sums::kAnyFixedOrder);
    if (!algorithm) throw Error(ErrorCode::kRuntime, "cuBLASLt: no algorithm for a product of training");
    found = known_.emplace(key, *algorithm).first;
  }
  const Layouts layouts = layouts_of(product, product.rows, product.depth());
  const float one = 1, beta = product.accumulate ? 1.0f : 0.0f;
  check(cublaslt().matmul(cublaslt_handle(), description.get(), &one, b, layouts.b.get(), product.a,
                          layouts.a.get(), &beta, product.c, layouts.c.get(), product.c, layouts.c.get(),
                          &found->second, workspace, kMatmulWorkspace, stream),
        "a product");
}

}  // namespace valence::backend::cuda
