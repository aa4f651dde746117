// Memory, streams and errors of the GPU.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace valence::backend::cuda {

// Throws kRuntime with the operation and CUDA's words, kNoMemory when memory is what lacks.
void check(cudaError_t status, const char* operation);

enum class Place { kDevice, kLocked };

// Memory of the GPU, or (kLocked) of this process, from and to which copies run beside the kernels and which
// they reach.
template <Place kPlace>
class OwnedMemory {
 public:
  OwnedMemory() = default;
  explicit OwnedMemory(size_t bytes);  // Errors: kNoMemory, naming what was asked and what is free
  ~OwnedMemory();
  OwnedMemory(OwnedMemory&& other) noexcept { *this = std::move(other); }
  OwnedMemory& operator=(OwnedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
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
using DeviceMemory = OwnedMemory<Place::kDevice>;
using PinnedMemory = OwnedMemory<Place::kLocked>;

// A copy of host values in the memory of the GPU; done when it returns.
DeviceMemory uploaded(const void* values, size_t bytes);
template <typename T>
DeviceMemory uploaded(std::span<const T> values) {
  return uploaded(values.data(), values.size_bytes());
}

}  // namespace valence::backend::cuda
