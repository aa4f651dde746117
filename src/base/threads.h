// A fixed set of workers that share the indices of a loop. No OpenMP, no oversubscription.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace valence {

// Cores this process may use: the smaller of the affinity mask and the cgroup's CPU quota, at least 1.
int usable_cores();

// run() calls task(index, worker) for each index in [0, count), on the caller (worker 0) and the
// others; it returns when all are done and rethrows the first exception. Not reentrant.
//
// Who has nothing to do looks for work a fraction of a millisecond before it sleeps: between the operations
// of a model waking up would take as long as they do, and a sleeper may wake on a core that is taken.
//
// The child of a fork has none of its parent's threads: there the first run() starts them anew. Whoever forks
// does so while no run() is under way.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  int size() const { return size_; }
  void run(size_t count, const std::function<void(size_t index, int worker)>& task);

 private:
  class Crew;
  int size_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace valence
