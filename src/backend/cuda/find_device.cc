#include <string>

#include "backend/cuda.h"
#include "backend/cuda/cublaslt.h"
#include "backend/cuda/device.h"
#include "base/error.h"

namespace valence::backend {
namespace {

constexpr int kLeastCapability = 8;  // bf16 on the tensor cores, asynchronous copies

}  // namespace

CudaDevice find_cuda_device() {
  CudaDevice device;
  int version = 0, count = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess || version == 0) {
    device.problem = "no NVIDIA driver is installed (libcuda.so.1 is missing)";
    return device;
  }
  device.driver = std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    device.problem = std::string("no GPU can be used: ") +
                     (status != cudaSuccess ? cudaGetErrorString(status) : "none is shown");
    return device;
  }
  cudaDeviceProp properties;
  cuda::check(cudaGetDeviceProperties(&properties, 0), "asking for the GPU's properties");
  device.name = properties.name;
  device.capability_major = properties.major;
  device.capability_minor = properties.minor;
  device.multiprocessors = properties.multiProcessorCount;
  size_t available = 0, total = 0;
  const cudaError_t memory = cudaMemGetInfo(&available, &total);
  device.memory_bytes = total;
  device.free_bytes = available;
  if (memory != cudaSuccess) {
    device.problem = std::string("the GPU cannot be used: ") + cudaGetErrorString(memory);
  } else if (properties.major < kLeastCapability) {
    device.problem = "the GPU has compute capability " + std::to_string(properties.major) + "." +
                     std::to_string(properties.minor) + ", expected " + std::to_string(kLeastCapability) +
                     ".0 or newer";
  } else {
    device.problem = cuda::cublaslt().problem;
  }
  device.usable = device.problem.empty();
  return device;
}

const CudaDevice& usable_cuda_device() {
  static const CudaDevice device = find_cuda_device();
  if (!device.usable) throw Error(ErrorCode::kUnavailable, "--device cuda: " + device.problem);
  return device;
}

}  // namespace valence::backend
