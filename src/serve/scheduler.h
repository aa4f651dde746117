// Texts of many requests on their way through the engine: a bounded queue, batches by a budget of tokens.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "serve/message.h"
#include "serve/metrics.h"
#include "serve/models.h"

namespace valence::serve {

// A text and, once its job is done, its result.
struct Entry {
  std::string text;
  pipeline::Result result;
  std::optional<std::string> pair = std::nullopt;  // read together with the text
  std::string language = "";                       // where the client named it
};

enum class JobEnd { kDone, kLate, kAbandoned, kFailed };

// The texts of one request that are read in the same way by one model. Filled by the caller, then handed
// over.
struct Job {
  using Clock = std::chrono::steady_clock;
  ModelPointer model;
  pipeline::Reading reading;
  std::vector<Entry> entries;
  Clock::time_point deadline;
  Abandoned abandoned = nullptr;  // may be null
  // Whether a text of the request was read: then it is no longer late, however long the rest takes.
  std::shared_ptr<std::atomic<bool>> begun = std::make_shared<std::atomic<bool>>(false);
  // kLate: not begun before the deadline; kAbandoned: nor before the client was gone; kFailed: `failure` says
  // why
  JobEnd end = JobEnd::kDone;
  std::string failure;
  std::function<void(Job&)> done;  // called once, by the poster

  std::atomic<size_t> remaining = 0;
  std::mutex failing;  // guards `end` and `failure` while workers run
};
using JobPointer = std::shared_ptr<Job>;

struct SchedulerOptions {
  int workers = 1;
  int64_t most_tokens = 16'384;                                   // of a batch
  std::chrono::milliseconds aim = std::chrono::milliseconds(50);  // for one batch, so that nobody waits long
};

// A worker takes the texts that are due first and go together (one model, one way of reading) until their
// estimated tokens fill a batch: as many as the model was seen to do in `aim`. A text is due when it came
// plus the time that its request's texts up to it take: a short request overtakes the rest of a long one, and
// nothing waits for ever. A lone text starts at once.
class Scheduler {
 public:
  // Runs a call on the thread of the connections.
  using Post = std::function<void(std::function<void()>)>;
  Scheduler(SchedulerOptions options, Post post, Metrics& metrics);
  // Drops what has not begun.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // `job` has one entry or more. `begin`: when its first text counts as having come, for a stream of jobs of
  // one request (the return value of the last call); the present when that is later.
  Job::Clock::time_point submit(const JobPointer& job, Job::Clock::time_point begin = {});

 private:
  struct Waiting {
    JobPointer job;
    size_t entry = 0;
    double tokens = 0;  // estimated
  };
  using Queue = std::multimap<Job::Clock::time_point, Waiting>;
  using Batch = std::vector<Waiting>;

  void work(int worker);
  Batch next_batch();
  void classify(Batch& batch, int worker);
  void finish(const Batch& batch);
  static bool together(const Job& a, const Job& b);
  static bool is_abandoned(const Job& job) { return job.abandoned && *job.abandoned; }

  SchedulerOptions options_;
  Post post_;
  Metrics& metrics_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Queue queue_;
  double tokens_per_second_ = 20'000;  // of one worker, smoothed
  double tokens_per_byte_ = 0.25;      // smoothed
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace valence::serve
