// Uninitialised memory on a cache line's boundary.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace valence::backend::cpu {

template <typename T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t count) : data_(allocate(count)), count_(count) {}

  T* data() const { return data_.get(); }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }

  // At least `count` elements; what they held is lost.
  T* reserve(size_t count) {
    if (count > count_) {
      data_.reset();
      data_.reset(allocate(count));
      count_ = count;
    }
    return data_.get();
  }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(T* p) const { ::operator delete(p, kAlignment); }
  };
  static T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kAlignment)); }

  std::unique_ptr<T, Free> data_;
  size_t count_ = 0;
};

}  // namespace valence::backend::cpu
