// cuBLASLt, opened when the first backend is made: libcublasLt.so.13 of the system, of the CUDA toolkit or of
// a Python package, or the file that VALENCE_CUBLASLT names.
#pragma once

#include <cublasLt.h>

#include <string>

namespace valence::backend::cuda {

struct CublasLt {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtDestroy) destroy = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;
  decltype(&cublasLtMatmulAlgoConfigGetAttribute) config_get = nullptr;
  std::string problem;  // why the library cannot be used; empty when it can
};

// The functions, opened once; never closed.
const CublasLt& cublaslt();

// Throws kRuntime with the operation and the status.
void check(cublasStatus_t status, const char* operation);

}  // namespace valence::backend::cuda
