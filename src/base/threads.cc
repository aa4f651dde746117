#include "base/threads.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace valence {
namespace {

// cgroup v2 "max 100000" or "200000 100000"; v1 has two files. 0 when there is no limit.
int cgroup_cores() {
  double quota = -1, period = 0;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  if (std::string word; v2 >> word >> period && word != "max") {
    try {
      quota = std::stod(word);
    } catch (const std::exception&) {
      return 0;
    }
  } else {
    std::ifstream q("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), p("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (!(q >> quota && p >> period)) return 0;
  }
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>(std::ceil(quota / period))) : 0;
}

constexpr std::chrono::microseconds kLookingTime{200};

// Tells the core that this is a loop that waits.
void rest() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

int usable_cores() {
  cpu_set_t set;
  int cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = std::max(1, CPU_COUNT(&set));
  const int limit = cgroup_cores();
  return limit > 0 ? std::min(cores, limit) : cores;
}

// The threads of a pool and what they share.
class ThreadPool::Crew {
 public:
  explicit Crew(int threads) : born_(forks()) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  }
  ~Crew() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    start_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // False in the child of a fork: its threads are not there.
  bool alive() const { return born_ == forks(); }
  void run(size_t count, const std::function<void(size_t, int)>& task);

 private:
  static unsigned forks();
  void work(int worker);
  void drain(int worker);
  template <typename Condition>
  void await(std::condition_variable& signal, const Condition& condition);

  const unsigned born_;
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

// How often this process and those before it have been forked. Counted in the child, so that asking costs no
// system call.
unsigned ThreadPool::Crew::forks() {
  static std::atomic<unsigned> count = 0;
  [[maybe_unused]] static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); });
  return count.load(std::memory_order_relaxed);
}

// Returns when the condition holds, which only atomics decide. Whoever changes them holds the mutex and
// notifies behind it, so that no sleeper misses it.
template <typename Condition>
void ThreadPool::Crew::await(std::condition_variable& signal, const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + kLookingTime;
  while (!condition()) {
    for (int i = 0; i < 32; ++i) rest();
    if (std::chrono::steady_clock::now() < end) continue;
    std::unique_lock lock(mutex_);
    signal.wait(lock, condition);
    return;
  }
}

void ThreadPool::Crew::run(size_t count, const std::function<void(size_t, int)>& task) {
  {
    const std::lock_guard lock(mutex_);
    task_ = &task;
    count_ = count;
    next_ = 0;
    failed_ = false;
    failure_ = nullptr;
    active_ = static_cast<int>(workers_.size());
    ++generation_;
  }
  start_.notify_all();
  drain(0);
  await(done_, [this] { return active_ == 0; });
  task_ = nullptr;
  if (failed_) std::rethrow_exception(failure_);
}

void ThreadPool::Crew::work(int worker) {
  size_t seen = 0;
  while (true) {
    await(start_, [&] { return stop_ || generation_ != seen; });
    if (stop_) return;
    seen = generation_;
    drain(worker);
    bool last = false;
    {
      const std::lock_guard lock(mutex_);
      last = --active_ == 0;
    }
    if (last) done_.notify_one();
  }
}

void ThreadPool::Crew::drain(int worker) {
  while (!failed_) {
    const size_t index = next_.fetch_add(1);
    if (index >= count_) return;
    try {
      (*task_)(index, worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failed_) failure_ = std::current_exception();
      failed_ = true;
    }
  }
}

ThreadPool::ThreadPool(int threads) : size_(std::max(1, threads)) {
  if (size_ > 1) crew_ = std::make_unique<Crew>(size_);
}

ThreadPool::~ThreadPool() {
  // A crew of dead threads can be neither joined nor destroyed; the memory of one is left where it is.
  if (crew_ && !crew_->alive()) static_cast<void>(crew_.release());
}

void ThreadPool::run(size_t count, const std::function<void(size_t, int)>& task) {
  if (!crew_ || count <= 1) {
    for (size_t i = 0; i < count; ++i) task(i, 0);
    return;
  }
  if (!crew_->alive()) {
    static_cast<void>(crew_.release());
    crew_ = std::make_unique<Crew>(size_);
  }
  crew_->run(count, task);
}

}  // namespace valence
