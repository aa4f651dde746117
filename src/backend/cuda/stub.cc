// What stands in for the CUDA backend in a program that is built without it.

#include "backend/cuda.h"
#include "base/error.h"

namespace valence::backend {

CudaDevice find_cuda_device() {
  CudaDevice device;
  device.problem = "this program was built without CUDA (build it with the preset \"cuda\", see docs/gpu.md)";
  return device;
}

const CudaDevice& usable_cuda_device() {
  throw Error(ErrorCode::kUnavailable, "--device cuda: " + find_cuda_device().problem);
}

std::unique_ptr<Backend> make_cuda_backend(WeightType /*compute*/) {
  usable_cuda_device();
  return nullptr;
}

std::unique_ptr<TrainingBackend> make_cuda_training_backend() {
  usable_cuda_device();
  return nullptr;
}

}  // namespace valence::backend
