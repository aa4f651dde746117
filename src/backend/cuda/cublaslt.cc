#include "backend/cuda/cublaslt.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

#include "base/error.h"

namespace valence::backend::cuda {
namespace {

constexpr const char* kName = "libcublasLt.so.13";

void* open_library() {
  if (const char* file = std::getenv("VALENCE_CUBLASLT"); file != nullptr && *file != '\0')
    return dlopen(file, RTLD_NOW | RTLD_LOCAL);
  for (const char* folder : {"", "/usr/local/cuda/lib64/", "/usr/local/cuda/targets/x86_64-linux/lib/"}) {
    if (void* library = dlopen((folder + std::string(kName)).c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

CublasLt opened() {
  CublasLt out;
  void* library = open_library();
  if (library == nullptr) {
    const char* reason = dlerror();
    out.problem =
        std::string(kName) + " cannot be opened (" + printable(reason != nullptr ? reason : "unknown") +
        "): install CUDA 13 or the Python package nvidia-cublas, and name the file in VALENCE_CUBLASLT";
    return out;
  }
  const auto find = [&](auto& function, const char* name) {
    void* symbol = dlsym(library, name);
    if (symbol == nullptr) out.problem = std::string(kName) + " lacks " + name;
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
  };
  find(out.create, "cublasLtCreate");
  find(out.destroy, "cublasLtDestroy");
  find(out.matmul, "cublasLtMatmul");
  find(out.desc_create, "cublasLtMatmulDescCreate");
  find(out.desc_destroy, "cublasLtMatmulDescDestroy");
  find(out.desc_set, "cublasLtMatmulDescSetAttribute");
  find(out.layout_create, "cublasLtMatrixLayoutCreate");
  find(out.layout_destroy, "cublasLtMatrixLayoutDestroy");
  find(out.preference_create, "cublasLtMatmulPreferenceCreate");
  find(out.preference_destroy, "cublasLtMatmulPreferenceDestroy");
  find(out.preference_set, "cublasLtMatmulPreferenceSetAttribute");
  find(out.heuristic, "cublasLtMatmulAlgoGetHeuristic");
  find(out.config_get, "cublasLtMatmulAlgoConfigGetAttribute");
  return out;
}

}  // namespace

const CublasLt& cublaslt() {
  static const CublasLt functions = opened();
  return functions;
}

void check(cublasStatus_t status, const char* operation) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(status == CUBLAS_STATUS_ALLOC_FAILED ? ErrorCode::kNoMemory : ErrorCode::kRuntime,
              std::string("cuBLASLt: ") + operation + ": status " + std::to_string(static_cast<int>(status)));
}

}  // namespace valence::backend::cuda
