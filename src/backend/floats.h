// fp32 values in the memory of a training backend.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/training.h"

namespace valence::backend {

class Floats {
 public:
  // Room for `count` values; old ones are lost where they do not fit.
  float* room(TrainingBackend& backend, int64_t count) {
    if (count > capacity_) allocate(backend, count);
    size_ = count;
    return data();
  }
  // Room for more: the values that are there stay, new ones are zero.
  float* grow(TrainingBackend& backend, int64_t count) {
    if (count > capacity_) {
      const std::unique_ptr<Memory> old = std::move(memory_);
      allocate(backend, std::max(count, 2 * capacity_));
      if (size_ > 0) backend.copy(old->data(), bytes(size_), data());
    }
    if (count > size_) backend.clear(data() + size_, bytes(count - size_));
    size_ = count;
    return data();
  }
  void set(TrainingBackend& backend, std::span<const float> values) {
    room(backend, static_cast<int64_t>(values.size()));
    backend.copy_in(values.data(), values.size_bytes(), data());
  }
  void set_zero(TrainingBackend& backend, int64_t count) {
    room(backend, count);
    backend.clear(data(), bytes(count));
  }

  float* data() { return memory_ ? static_cast<float*>(memory_->data()) : nullptr; }
  const float* data() const { return memory_ ? static_cast<const float*>(memory_->data()) : nullptr; }
  int64_t size() const { return size_; }
  // The values in this process's memory: in place, or in `copy`.
  std::span<const float> on_host(std::vector<float>& copy) const {
    if (size_ == 0) return {};
    if (backend_->is_host()) return {data(), static_cast<size_t>(size_)};
    copy.resize(static_cast<size_t>(size_));
    backend_->copy_out(data(), bytes(size_), copy.data());
    return copy;
  }

 private:
  static size_t bytes(int64_t count) { return static_cast<size_t>(count) * sizeof(float); }
  void allocate(TrainingBackend& backend, int64_t count) {
    memory_.reset();
    memory_ = backend.allocate(bytes(count));
    backend_ = &backend;
    capacity_ = count;
  }

  TrainingBackend* backend_ = nullptr;
  std::unique_ptr<Memory> memory_;
  int64_t size_ = 0, capacity_ = 0;
};

}  // namespace valence::backend
