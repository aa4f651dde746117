#include "backend/cuda/matmul.h"

#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "backend/cuda/lt_objects.h"
#include "base/error.h"

namespace valence::backend::cuda {
namespace {

constexpr int64_t kUsualRows = 16'384;  // the batch that algorithms are chosen for

cublasLtEpilogue_t epilogue_of(Fused fused, bool has_bias) {
  switch (fused) {
    case Fused::kNone:
      break;
    case Fused::kGelu:
      return has_bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
    case Fused::kRelu:
      return has_bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
  }
  return has_bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
}

ProductDescription description_of(bool has_bias, const void* bias, Fused fused) {
  ProductDescription description(CUBLAS_COMPUTE_32F);
  description.set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  description.set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(fused, has_bias));
  if (has_bias) description.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  return description;
}

}  // namespace

Matmul::Matmul(Element type, int64_t out, int64_t in, bool has_bias, Fused fused)
    : type_(type), out_(out), in_(in), has_bias_(has_bias), fused_(fused), algorithm_() {
  const auto chosen =
      choose_algorithm(description_of(has_bias, nullptr, fused), Layout(type, in, out, in),
                       Layout(type, in, kUsualRows, in), Layout(type, out, kUsualRows, out), Sums::kOnePiece);
  if (!chosen) {
    throw Error(ErrorCode::kRuntime, "cuBLASLt: no algorithm for a product with a matrix of " +
                                         std::to_string(out) + " x " + std::to_string(in));
  }
  algorithm_ = *chosen;
}

void Matmul::run(const Operands& operands, int64_t rows, void* workspace, cudaStream_t stream) const {
  const ProductDescription description = description_of(has_bias_, operands.bias, fused_);
  const Layout weight(type_, in_, out_, in_), x(type_, in_, rows, in_), y(type_, out_, rows, out_);
  const float one = 1, beta = operands.addend != nullptr ? 1.0f : 0.0f;
  const void* c = operands.addend != nullptr ? operands.addend : operands.y;
  check(cublaslt().matmul(cublaslt_handle(), description.get(), &one, operands.weight, weight.get(),
                          operands.x, x.get(), &beta, c, y.get(), operands.y, y.get(), &algorithm_, workspace,
                          kMatmulWorkspace, stream),
        "a product");
}

const Matmul& matmul_for(Element type, int64_t out, int64_t in, bool has_bias, Fused fused) {
  static std::mutex mutex;
  static std::map<std::tuple<Element, int64_t, int64_t, bool, Fused>, Matmul> known;
  const std::lock_guard lock(mutex);
  return known.try_emplace({type, out, in, has_bias, fused}, type, out, in, has_bias, fused).first->second;
}

}  // namespace valence::backend::cuda
