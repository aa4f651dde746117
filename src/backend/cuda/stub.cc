// What stands in for the CUDA backend in a program that is built without it.

#include "backend/cuda.h"
#include "base/error.h"

namespace valence::backend {

CudaDevice find_cuda_device() {
  CudaDevice device;
  device.problem = "this program was built without CUDA (build it with the preset \"cuda\", see docs/gpu.md)";
  return device;
}

std::unique_ptr<Backend> make_cuda_backend(WeightType /*compute*/) {
  throw Error(ErrorCode::kUnavailable, "--device cuda: " + find_cuda_device().problem);
}

}  // namespace valence::backend
