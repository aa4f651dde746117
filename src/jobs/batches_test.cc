#include "jobs/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "base/error.h"
#include "pipeline/fake_classifier_for_test.h"

namespace valence::jobs {
namespace {

using std::chrono::milliseconds;

std::unique_ptr<Batch> batch_of(const std::vector<std::string>& texts) {
  auto batch = std::make_unique<Batch>();
  for (const std::string& text : texts) {
    rows::Row& row = batch->rows.emplace_back();
    row.storage = text;
    row.text = {0, text.size()};
    if (text.empty()) row.reject = {"empty_text", ""};
  }
  return batch;
}

std::unique_ptr<Batch> wait_for(BatchQueue& queue) {
  while (queue.size() > 0) {
    if (auto batch = queue.take(milliseconds(1000))) return batch;
  }
  return nullptr;
}

TEST(ClassifyBatch, AnswersTheRowsThatAreNotRejected) {
  pipeline::FakeClassifier classifier;
  const auto batch = batch_of({"a", "", "b"});
  classify_batch(classifier, *batch, 0, false);
  ASSERT_EQ(batch->results.size(), 3u);
  EXPECT_EQ(batch->results[0].logits, pipeline::FakeClassifier::answer("a").logits);
  EXPECT_TRUE(batch->results[1].logits.empty());
  EXPECT_EQ(batch->results[2].logits, pipeline::FakeClassifier::answer("b").logits);
  const auto rejected = batch_of({"", ""});
  classify_batch(classifier, *rejected, 0, true);
  EXPECT_EQ(rejected->results.size(), 2u);
  EXPECT_EQ(classifier.together(), 0);
}

TEST(BatchQueue, GivesBatchesBackInTheirOrder) {
  std::latch others_done(3);
  pipeline::FakeClassifier classifier(4, [&](std::span<const std::string_view> texts, int) {
    // The first batch ends last.
    texts[0] == "first" ? others_done.wait() : others_done.count_down();
  });
  BatchQueue queue(classifier);
  for (const char* text : {"first", "second", "third", "fourth"}) queue.submit(batch_of({text}));
  for (const char* text : {"first", "second", "third", "fourth"}) {
    EXPECT_EQ(wait_for(queue)->rows[0].text_view(), text);
  }
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.take(milliseconds(0)), nullptr);
}

TEST(BatchQueue, GivesEachWorkerItsOwnIndex) {
  std::atomic<int> inside[3] = {};
  std::atomic<bool> shared = false;
  pipeline::FakeClassifier classifier(3, [&](std::span<const std::string_view>, int worker) {
    if (inside[worker].fetch_add(1) > 0) shared = true;
    std::this_thread::yield();
    inside[worker].fetch_sub(1);
  });
  BatchQueue queue(classifier);
  for (int i = 0; i < 200; ++i) queue.submit(batch_of({"x"}));
  while (queue.size() > 0) wait_for(queue);
  EXPECT_FALSE(shared);
}

TEST(BatchQueue, RethrowsWhatAWorkerThrew) {
  pipeline::FakeClassifier classifier(2, [&](std::span<const std::string_view> texts, int) {
    if (texts[0] == "bad") throw Error(ErrorCode::kRuntime, "out of memory");
  });
  BatchQueue queue(classifier);
  for (const char* text : {"good", "bad", "good"}) queue.submit(batch_of({text}));
  EXPECT_NE(wait_for(queue), nullptr);
  EXPECT_THROW(wait_for(queue), Error);
}

TEST(BatchQueue, AfterAStopGivesWhatWasBegunAndNoMore) {
  std::latch begun(2), go(1);
  pipeline::FakeClassifier classifier(2, [&](std::span<const std::string_view>, int) {
    begun.count_down();
    go.wait();
  });
  BatchQueue queue(classifier);
  for (int i = 0; i < 5; ++i) queue.submit(batch_of({std::to_string(i)}));
  begun.wait();
  queue.stop();
  go.count_down();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(queue.oldest_was_begun());
    EXPECT_EQ(wait_for(queue)->rows[0].text_view(), std::to_string(i));
  }
  EXPECT_FALSE(queue.oldest_was_begun());
  EXPECT_EQ(queue.size(), 3u);
}

}  // namespace
}  // namespace valence::jobs
