#include "serve/scheduler.h"

#include <algorithm>
#include <exception>

#include "base/error.h"

namespace valence::serve {

using Clock = Job::Clock;

namespace {
Clock::duration seconds(double count) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
}
// Special tokens, and what a call costs beside its tokens.
constexpr double kTokensOfAnyText = 3;
// Below this products are too small to be efficient.
constexpr double kFewestTokens = 1024;
// Of the newest batch in the smoothed rates.
constexpr double kNew = 0.1;
}  // namespace

Scheduler::Scheduler(SchedulerOptions options, Post post, Metrics& metrics)
    : options_(options), post_(std::move(post)), metrics_(metrics) {
  for (int worker = 0; worker < options_.workers; ++worker)
    threads_.emplace_back([this, worker] { work(worker); });
}

Scheduler::~Scheduler() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    queue_.clear();
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Clock::time_point Scheduler::submit(const JobPointer& job, Clock::time_point begin) {
  VALENCE_CHECK(!job->entries.empty());
  job->remaining = job->entries.size();
  Clock::time_point due = std::max(begin, Clock::now());
  size_t count = job->entries.size();
  {
    const std::lock_guard lock(mutex_);
    for (size_t k = 0; k < job->entries.size(); ++k) {
      const Entry& entry = job->entries[k];
      const size_t bytes = entry.text.size() + (entry.pair ? entry.pair->size() : 0);
      const double tokens = static_cast<double>(bytes) * tokens_per_byte_ + kTokensOfAnyText;
      due += seconds(tokens / (tokens_per_second_ * options_.workers));
      queue_.emplace(due, Waiting{job, k, tokens});
    }
    metrics_.waiting_texts.store(static_cast<int64_t>(queue_.size()), std::memory_order_relaxed);
    count = std::min(count, threads_.size());
  }
  for (size_t k = 0; k < count; ++k) wake_.notify_one();
  return due;
}

bool Scheduler::together(const Job& a, const Job& b) {
  return a.model == b.model && a.reading.tasks == b.reading.tasks &&
         a.reading.long_text == b.reading.long_text && a.reading.keep_end == b.reading.keep_end;
}

// Called with the lock held.
Scheduler::Batch Scheduler::next_batch() {
  Batch batch;
  const double budget = std::clamp(tokens_per_second_ * std::chrono::duration<double>(options_.aim).count(),
                                   kFewestTokens, static_cast<double>(options_.most_tokens));
  double tokens = 0;
  for (auto at = queue_.begin(); at != queue_.end();) {
    if (!batch.empty() && tokens + at->second.tokens > budget) break;
    if (!batch.empty() && !together(*batch.front().job, *at->second.job)) {
      ++at;
      continue;
    }
    if (!is_abandoned(*at->second.job)) tokens += at->second.tokens;
    batch.push_back(std::move(at->second));
    at = queue_.erase(at);
  }
  metrics_.waiting_texts.store(static_cast<int64_t>(queue_.size()), std::memory_order_relaxed);
  return batch;
}

void Scheduler::work(int worker) {
  while (true) {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
      if (stop_) return;
      batch = next_batch();
    }
    classify(batch, worker);
    finish(batch);
  }
}

void Scheduler::classify(Batch& batch, int worker) {
  const Clock::time_point start = Clock::now();
  std::vector<pipeline::TextPair> texts;
  std::vector<std::string_view> languages;
  std::vector<Entry*> entries;
  double bytes = 0, estimated = 0;
  for (const Waiting& waiting : batch) {
    const bool abandoned = is_abandoned(*waiting.job);
    if (abandoned || (waiting.job->deadline < start && !*waiting.job->begun)) {
      const std::lock_guard lock(waiting.job->failing);
      waiting.job->end = abandoned ? JobEnd::kAbandoned : JobEnd::kLate;
      continue;
    }
    *waiting.job->begun = true;
    Entry& entry = waiting.job->entries[waiting.entry];
    texts.push_back({entry.text, entry.pair});
    languages.push_back(entry.language);
    entries.push_back(&entry);
    bytes += static_cast<double>(entry.text.size());
    estimated += waiting.tokens;
  }
  if (texts.empty()) return;
  const Job& first = *batch.front().job;
  pipeline::Reading reading = first.reading;
  reading.languages = languages;
  try {
    std::vector<pipeline::Result> results = first.model->classifier->classify_pairs(texts, worker, reading);
    VALENCE_CHECK(results.size() == texts.size());
    double tokens = 0;
    for (size_t k = 0; k < results.size(); ++k) {
      tokens += static_cast<double>(results[k].tokens);
      entries[k]->result = std::move(results[k]);
    }
    metrics_.batch_tokens.observe(tokens);
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    const std::lock_guard lock(mutex_);
    // A small batch says more of its fixed costs than of the rate.
    const double weight = kNew * std::min(1.0, estimated / kFewestTokens);
    if (took > 0) tokens_per_second_ += weight * (tokens / took - tokens_per_second_);
    if (bytes > 0) tokens_per_byte_ += weight * (std::clamp(tokens / bytes, 0.05, 1.0) - tokens_per_byte_);
  } catch (const std::exception& error) {
    for (const Waiting& waiting : batch) {
      const std::lock_guard lock(waiting.job->failing);
      waiting.job->end = JobEnd::kFailed;
      waiting.job->failure = error.what();
    }
  }
}

void Scheduler::finish(const Batch& batch) {
  std::vector<JobPointer> finished;
  for (const Waiting& waiting : batch) {
    if (waiting.job->remaining.fetch_sub(1) == 1) finished.push_back(waiting.job);
  }
  if (finished.empty()) return;
  post_([finished = std::move(finished)] {
    for (const JobPointer& job : finished) {
      const auto done = std::move(job->done);  // which may hold on to the job
      done(*job);
    }
  });
}

}  // namespace valence::serve
