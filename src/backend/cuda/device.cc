#include "backend/cuda/device.h"

#include <string>

#include "base/error.h"

namespace valence::backend::cuda {
namespace {

std::string mebibytes(size_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

}  // namespace

void check(cudaError_t status, const char* operation) {
  if (status == cudaSuccess) return;
  throw Error(status == cudaErrorMemoryAllocation ? ErrorCode::kNoMemory : ErrorCode::kRuntime,
              std::string("CUDA: ") + operation + ": " + cudaGetErrorString(status));
}

template <Place kPlace>
OwnedMemory<kPlace>::OwnedMemory(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  const cudaError_t status =
      kPlace == Place::kDevice ? cudaMalloc(&data_, bytes) : cudaMallocHost(&data_, bytes);
  if (status != cudaErrorMemoryAllocation) {
    check(status, "allocating memory");
    return;
  }
  cudaGetLastError();  // it is told by the exception, not by the next call
  if (kPlace == Place::kLocked)
    throw Error(ErrorCode::kNoMemory, "CUDA: " + mebibytes(bytes) + " of the process cannot be locked");
  size_t available = 0, total = 0;
  cudaMemGetInfo(&available, &total);
  throw Error(ErrorCode::kNoMemory, "CUDA: " + mebibytes(bytes) + " of GPU memory are needed, " +
                                        mebibytes(available) + " of " + mebibytes(total) + " are free");
}

template <Place kPlace>
OwnedMemory<kPlace>::~OwnedMemory() {
  if (data_ == nullptr) return;
  if (kPlace == Place::kDevice) {
    cudaFree(data_);
  } else {
    cudaFreeHost(data_);
  }
}

template class OwnedMemory<Place::kDevice>;
template class OwnedMemory<Place::kLocked>;

DeviceMemory uploaded(const void* values, size_t bytes) {
  DeviceMemory memory(bytes);
  if (bytes > 0)
    check(cudaMemcpy(memory.data(), values, bytes, cudaMemcpyHostToDevice), "copying to the GPU");
  return memory;
}

}  // namespace valence::backend::cuda
