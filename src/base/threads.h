// A fixed set of workers that share the indices of a loop. No OpenMP, no oversubscription.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace valence {

// Cores this process may use: the smaller of the affinity mask and the cgroup's CPU quota, at least 1.
int usable_cores();

// run() calls task(index, worker) for each index in [0, count), on the caller (worker 0) and the
// others; it returns when all are done and rethrows the first exception. Not reentrant.
//
// Who has nothing to do looks for work a fraction of a millisecond before it sleeps: between the operations
// of a model waking up would take as long as they do, and a sleeper may wake on a core that is taken.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  int size() const { return static_cast<int>(workers_.size()) + 1; }
  void run(size_t count, const std::function<void(size_t index, int worker)>& task);

 private:
  void work(int worker);
  void drain(int worker);
  template <typename Condition>
  void await(std::condition_variable& signal, const Condition& condition);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable start_, done_;
  const std::function<void(size_t, int)>* task_ = nullptr;
  size_t count_ = 0;
  std::atomic<size_t> next_ = 0;
  std::atomic<size_t> generation_ = 0;
  std::atomic<int> active_ = 0;
  std::atomic<bool> stop_ = false, failed_ = false;
  std::exception_ptr failure_;
};

}  // namespace valence
