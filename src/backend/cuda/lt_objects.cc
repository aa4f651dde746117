#include "backend/cuda/lt_objects.h"

#include <array>

namespace valence::backend::cuda {
namespace {

template <typename T>
T config_of(const cublasLtMatmulAlgo_t& algorithm, cublasLtMatmulAlgoConfigAttributes_t attribute) {
  T value{};
  size_t written = 0;
  check(cublaslt().config_get(&algorithm, attribute, &value, sizeof value, &written), "reading an algorithm");
  return value;
}

bool keeps_to(const cublasLtMatmulAlgo_t& algorithm, Sums sums) {
  if (config_of<int32_t>(algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM) <= 1) return true;
  // In place the parts are added as they come.
  return sums == Sums::kAnyFixedOrder &&
         config_of<uint32_t>(algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME) !=
             CUBLASLT_REDUCTION_SCHEME_INPLACE;
}

}  // namespace

std::optional<cublasLtMatmulAlgo_t> choose_algorithm(const ProductDescription& description, const Layout& a,
                                                     const Layout& b, const Layout& c, Sums sums) {
  const CublasLt& lt = cublaslt();
  cublasLtMatmulPreference_t preference = nullptr;
  check(lt.preference_create(&preference), "choosing an algorithm");
  const size_t workspace = kMatmulWorkspace;
  lt.preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
  std::array<cublasLtMatmulHeuristicResult_t, 16> found;
  int count = 0;
  const cublasStatus_t status =
      lt.heuristic(cublaslt_handle(), description.get(), a.get(), b.get(), c.get(), c.get(), preference,
                   static_cast<int>(found.size()), found.data(), &count);
  lt.preference_destroy(preference);
  for (size_t k = 0; status == CUBLAS_STATUS_SUCCESS && k < static_cast<size_t>(count); ++k) {
    if (keeps_to(found[k].algo, sums)) return found[k].algo;
  }
  return std::nullopt;
}

cublasLtHandle_t cublaslt_handle() {
  static const cublasLtHandle_t handle = [] {
    cublasLtHandle_t created = nullptr;
    check(cublaslt().create(&created), "starting");
    return created;
  }();
  return handle;
}

}  // namespace valence::backend::cuda
