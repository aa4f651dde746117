#include "backend/cuda/device.h"

#include <string>
#include <utility>

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

DeviceMemory::DeviceMemory(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  const cudaError_t status = cudaMalloc(&data_, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // it is told by the exception, not by the next call
    size_t available = 0, total = 0;
    cudaMemGetInfo(&available, &total);
    throw Error(ErrorCode::kNoMemory, "CUDA: " + mebibytes(bytes) + " of GPU memory are needed, " +
                                          mebibytes(available) + " of " + mebibytes(total) + " are free");
  }
  check(status, "allocating memory");
}

DeviceMemory::~DeviceMemory() {
  if (data_ != nullptr) cudaFree(data_);
}

DeviceMemory& DeviceMemory::operator=(DeviceMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

PinnedMemory::PinnedMemory(size_t bytes) : bytes_(bytes) {
  check(cudaMallocHost(&data_, bytes), "locking memory of the process");
}

PinnedMemory::~PinnedMemory() {
  if (data_ != nullptr) cudaFreeHost(data_);
}

PinnedMemory& PinnedMemory::operator=(PinnedMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

DeviceMemory uploaded(const void* values, size_t bytes) {
  DeviceMemory memory(bytes);
  if (bytes > 0)
    check(cudaMemcpy(memory.data(), values, bytes, cudaMemcpyHostToDevice), "copying to the GPU");
  return memory;
}

}  // namespace valence::backend::cuda
