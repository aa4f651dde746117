// How one operation is shared among threads, and the scratch memory of each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "backend/cpu/aligned.h"
#include "base/threads.h"

namespace valence::backend::cpu {

struct Scratch {
  AlignedArray<float> panel;  // an expanded block of a panel
  AlignedArray<float> tile;   // the outputs of a panel that is not full
  AlignedArray<float> attention;
  AlignedArray<float> rows;  // of a stored matrix, in fp32
};

class Workers {
 public:
  explicit Workers(ThreadPool* pool) : pool_(pool), scratch_(static_cast<size_t>(pool ? pool->size() : 1)) {}

  int size() const { return pool_ ? pool_->size() : 1; }
  // Calls task(index, scratch) for each index in [0, count); with the pool when `parallel`.
  template <typename Task>
  void run(int64_t count, bool parallel, const Task& task) {
    if (pool_ && parallel && count > 1) {
      pool_->run(static_cast<size_t>(count), [&](size_t index, int worker) {
        task(static_cast<int64_t>(index), scratch_[static_cast<size_t>(worker)]);
      });
    } else {
      for (int64_t index = 0; index < count; ++index) task(index, scratch_[0]);
    }
  }

 private:
  ThreadPool* pool_;
  std::vector<Scratch> scratch_;
};

// Splits one piece of memory into parts that begin on cache lines.
class Carver {
 public:
  explicit Carver(float* memory) : memory_(memory) {}
  float* take(int64_t count) {
    float* part = memory_;
    memory_ += (count + 15) / 16 * 16;
    return part;
  }

 private:
  float* memory_;
};

// A range cut into `parts` almost equal pieces: the piece number `index`.
struct Range {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};
inline Range piece(int64_t total, int64_t parts, int64_t index) {
  const int64_t size = total / parts, longer = total % parts;
  const int64_t begin = index * size + std::min(index, longer);
  return {begin, begin + size + (index < longer ? 1 : 0)};
}

}  // namespace valence::backend::cpu
