// Memory, streams and errors of the GPU.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace valence::backend::cuda {

// Throws kRuntime with the operation and CUDA's words, kNoMemory when memory is what lacks.
void check(cudaError_t status, const char* operation);

// Memory of the GPU, or locked memory of this process, from which copies run beside the kernels.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  explicit DeviceMemory(size_t bytes);  // Errors: kNoMemory, naming what was asked and what is free
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept : data_(other.data_), bytes_(other.bytes_) {
    other.data_ = nullptr;
    other.bytes_ = 0;
  }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept;
  void* data() const { return data_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

class PinnedMemory {
 public:
  PinnedMemory() = default;
  explicit PinnedMemory(size_t bytes);
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(PinnedMemory&& other) noexcept;
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

// A copy of host values in the memory of the GPU; done when it returns.
DeviceMemory uploaded(const void* values, size_t bytes);
template <typename T>
DeviceMemory uploaded(std::span<const T> values) {
  return uploaded(values.data(), values.size_bytes());
}

}  // namespace valence::backend::cuda
