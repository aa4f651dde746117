// Batches of rows on their way through the workers, given back in the order in which they came.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/classifier.h"
#include "pipeline/details.h"
#include "rows/input_window.h"
#include "rows/row.h"

namespace valence::jobs {

// JSON lists; empty where they are not asked for.
struct Details {
  std::string sentences, explanation;
};

struct Batch {
  std::vector<rows::Row> rows;
  std::vector<std::string> languages;  // of each row, as its column says; empty without such a column
  rows::Position end;                  // of the input behind the last row
  // One for each row; empty ones for rows that the reader rejected.
  std::vector<pipeline::Result> results;
  std::vector<Details> details;  // likewise, when they are asked for
  double seconds = 0;            // that its classification took
};

// Classifies the rows that are not rejected. `together`: with all threads at once.
void classify_batch(pipeline::Classifier& classifier, Batch& batch, int worker, bool together,
                    const pipeline::DetailOptions& details = {});

// Runs a thread for each worker of the classifier.
class BatchQueue {
 public:
  explicit BatchQueue(pipeline::Classifier& classifier, const pipeline::DetailOptions& details = {});
  // Drops what no worker has begun and waits for the rest.
  ~BatchQueue();
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  void submit(std::unique_ptr<Batch> batch);
  size_t size() const { return entries_.size(); }
  // The oldest batch when it is done, waiting for it no longer than `patience`; null otherwise. Rethrows what
  // its classification threw.
  std::unique_ptr<Batch> take(std::chrono::milliseconds patience);
  // Lets no worker begin another batch. Batches already begun can still be taken; the first that was not
  // begun, and all behind it, never come.
  void stop();
  // After stop(): whether the oldest batch will come.
  bool oldest_was_begun() const;

 private:
  struct Entry {
    std::unique_ptr<Batch> batch;
    bool begun = false, done = false;
    std::exception_ptr failure;
  };
  void work(int worker);
  Entry* next_to_begin();

  pipeline::Classifier& classifier_;
  pipeline::DetailOptions details_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, finished_;
  std::deque<std::unique_ptr<Entry>> entries_;  // changed by the caller's thread only
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace valence::jobs
