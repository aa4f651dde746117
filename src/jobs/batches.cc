#include "jobs/batches.h"

#include <algorithm>

#include "base/error.h"
#include "base/stopwatch.h"

namespace valence::jobs {

namespace {

std::vector<pipeline::Result> classify(pipeline::Classifier& classifier,
                                       std::span<const std::string_view> texts, int worker, bool together,
                                       const pipeline::Reading& reading) {
  std::vector<pipeline::Result> results;
  if (!texts.empty()) {
    results =
        together ? classifier.classify_together(texts, reading) : classifier.classify(texts, worker, reading);
  }
  VALENCE_CHECK(results.size() == texts.size());
  return results;
}

Details details_of(pipeline::Classifier& classifier, std::string_view text, const pipeline::Result& result,
                   int worker, bool together, const pipeline::DetailOptions& options) {
  Details details;
  if (!result.reject_reason.empty()) return details;
  const pipeline::DetailPlan plan(text, options);
  const std::vector<std::string> texts = plan.texts(text);
  // They are read as the text was: of a few words alone, the language may look like another one.
  pipeline::Reading reading;
  std::vector<std::string_view> languages;
  if (result.routing) {
    languages.assign(texts.size(), result.routing->language);
    reading.languages = languages;
    reading.route = result.routing->route;
  }
  const std::vector<pipeline::Result> read = classify(
      classifier, std::vector<std::string_view>(texts.begin(), texts.end()), worker, together, reading);
  if (options.sentences) details.sentences = plan.sentences(text, classifier.labels(), read);
  if (options.explain) details.explanation = plan.explanation(text, result, read);
  return details;
}

}  // namespace

void classify_batch(pipeline::Classifier& classifier, Batch& batch, int worker, bool together,
                    const pipeline::DetailOptions& details) {
  const Stopwatch watch;
  std::vector<std::string_view> texts, languages;
  texts.reserve(batch.rows.size());
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    if (batch.rows[i].rejected()) continue;
    texts.push_back(batch.rows[i].text_view());
    if (!batch.languages.empty()) languages.push_back(batch.languages[i]);
  }
  pipeline::Reading reading;
  reading.languages = languages;
  std::vector<pipeline::Result> results = classify(classifier, texts, worker, together, reading);
  batch.results.resize(batch.rows.size());
  if (details.any()) batch.details.resize(batch.rows.size());
  size_t next = 0;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    if (batch.rows[i].rejected()) continue;
    batch.results[i] = std::move(results[next++]);
    if (!details.any()) continue;
    batch.details[i] =
        details_of(classifier, batch.rows[i].text_view(), batch.results[i], worker, together, details);
  }
  batch.seconds = watch.seconds();
}

BatchQueue::BatchQueue(pipeline::Classifier& classifier, const pipeline::DetailOptions& details)
    : classifier_(classifier), details_(details) {
  for (int i = 0; i < std::max(1, classifier.workers()); ++i) threads_.emplace_back([this, i] { work(i); });
}

BatchQueue::~BatchQueue() {
  stop();
  for (std::thread& thread : threads_) thread.join();
}

void BatchQueue::submit(std::unique_ptr<Batch> batch) {
  auto entry = std::make_unique<Entry>();
  entry->batch = std::move(batch);
  {
    std::lock_guard lock(mutex_);
    entries_.push_back(std::move(entry));
  }
  wake_.notify_one();
}

std::unique_ptr<Batch> BatchQueue::take(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (entries_.empty()) return nullptr;
  if (!finished_.wait_for(lock, patience, [this] { return entries_.front()->done; })) return nullptr;
  const std::unique_ptr<Entry> entry = std::move(entries_.front());
  entries_.pop_front();
  if (entry->failure) std::rethrow_exception(entry->failure);
  return std::move(entry->batch);
}

void BatchQueue::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
}

bool BatchQueue::oldest_was_begun() const {
  std::lock_guard lock(mutex_);
  return !entries_.empty() && entries_.front()->begun;
}

BatchQueue::Entry* BatchQueue::next_to_begin() {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [](const auto& entry) { return !entry->begun; });
  return found == entries_.end() ? nullptr : found->get();
}

void BatchQueue::work(int worker) {
  while (true) {
    Entry* entry = nullptr;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || (entry = next_to_begin()) != nullptr; });
      if (stop_) return;
      entry->begun = true;
    }
    try {
      classify_batch(classifier_, *entry->batch, worker, false, details_);
    } catch (...) {
      entry->failure = std::current_exception();
    }
    {
      std::lock_guard lock(mutex_);
      entry->done = true;
    }
    finished_.notify_one();
  }
}

}  // namespace valence::jobs
