#include "serve/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "pipeline/fake_classifier_for_test.h"

namespace valence::serve {
namespace {

using pipeline::FakeClassifier;

// Runs calls where they are posted; enough for tests that wait for all of them.
void at_once(const std::function<void()>& call) { call(); }

ModelPointer model_of(FakeClassifier::Hook hook = {}) {
  return serve_as("fake", std::make_shared<FakeClassifier>(1, std::move(hook)), "---\nlicense: mit\n---\n");
}

struct Waiting {
  JobPointer job = std::make_shared<Job>();
  std::promise<void> done;
};

// Submits a job of these texts; its `done` is set when it ends.
std::shared_ptr<Waiting> submit(Scheduler& scheduler, const ModelPointer& model,
                                const std::vector<std::string>& texts,
                                std::chrono::milliseconds patience = std::chrono::seconds(60),
                                bool gone = false) {
  auto waiting = std::make_shared<Waiting>();
  waiting->job->model = model;
  for (const std::string& text : texts) waiting->job->entries.push_back({text, {}});
  waiting->job->abandoned = std::make_shared<std::atomic<bool>>(gone);
  waiting->job->deadline = Job::Clock::now() + patience;
  waiting->job->done = [waiting](Job&) { waiting->done.set_value(); };
  scheduler.submit(waiting->job);
  return waiting;
}

TEST(Scheduler, GivesEachTextItsOwnResult) {
  Metrics metrics;
  const ModelPointer model = model_of();
  Scheduler scheduler({4}, at_once, metrics);
  std::vector<std::shared_ptr<Waiting>> jobs;
  for (int k = 0; k < 300; ++k)
    jobs.push_back(submit(scheduler, model, {"text " + std::to_string(k), "other " + std::to_string(k)}));
  for (const auto& waiting : jobs) {
    waiting->done.get_future().get();
    EXPECT_EQ(waiting->job->end, JobEnd::kDone);
    for (const Entry& entry : waiting->job->entries)
      EXPECT_EQ(entry.result.logits, FakeClassifier::answer(entry.text).logits);
  }
}

TEST(Scheduler, LetsAShortRequestOvertakeTheRestOfALongOne) {
  Metrics metrics;
  std::promise<void> begin;
  const std::shared_future<void> may_begin = begin.get_future().share();
  std::vector<std::string> order;
  const ModelPointer model = model_of([&](std::span<const std::string_view> texts, int) {
    may_begin.wait();
    for (const std::string_view text : texts) order.emplace_back(text.substr(0, 5));
  });
  Scheduler scheduler({.workers = 1, .most_tokens = 16'384, .aim = std::chrono::milliseconds(1)}, at_once,
                      metrics);
  const auto first = submit(scheduler, model, {"first"});
  const auto slow = submit(scheduler, model, std::vector<std::string>(40, "long " + std::string(4000, 'x')));
  const auto fast = submit(scheduler, model, {"short"});
  begin.set_value();
  for (const auto& waiting : {first, slow, fast}) waiting->done.get_future().get();
  const auto place = std::ranges::find(order, "short") - order.begin();
  EXPECT_LE(place, 4) << "of " << order.size();
}

// A request of many texts may take longer than it may wait.
TEST(Scheduler, FinishesWhatItHasBegun) {
  Metrics metrics;
  std::promise<void> begin, seen;
  const std::shared_future<void> may_go_on = begin.get_future().share();
  bool first = true;
  const ModelPointer model = model_of([&](std::span<const std::string_view>, int) {
    if (!first) return;
    first = false;
    seen.set_value();
    may_go_on.wait();
  });
  Scheduler scheduler({.workers = 1, .most_tokens = 1024, .aim = std::chrono::milliseconds(1)}, at_once,
                      metrics);
  const auto waiting = submit(scheduler, model, std::vector<std::string>(3, std::string(5000, 'x')));
  seen.get_future().get();
  waiting->job->deadline = {};  // it passes while the first text is read
  begin.set_value();
  waiting->done.get_future().get();
  EXPECT_EQ(waiting->job->end, JobEnd::kDone);
}

TEST(Scheduler, DoesNotBeginWhatIsLate) {
  Metrics metrics;
  std::promise<void> begin;
  const std::shared_future<void> may_begin = begin.get_future().share();
  const ModelPointer model = model_of([&](std::span<const std::string_view>, int) { may_begin.wait(); });
  Scheduler scheduler({1}, at_once, metrics);
  const auto first = submit(scheduler, model, {"first"});
  const auto late = submit(scheduler, model, {"late"}, std::chrono::milliseconds(-1));
  begin.set_value();
  first->done.get_future().get();
  late->done.get_future().get();
  EXPECT_EQ(late->job->end, JobEnd::kLate);
}

TEST(Scheduler, DropsWhatNobodyWaitsFor) {
  Metrics metrics;
  std::promise<void> begin;
  const std::shared_future<void> may_begin = begin.get_future().share();
  std::atomic<int> classified = 0;
  const ModelPointer model = model_of([&](std::span<const std::string_view> texts, int) {
    may_begin.wait();
    classified += static_cast<int>(texts.size());
  });
  Scheduler scheduler({1}, at_once, metrics);
  const auto first = submit(scheduler, model, {"first"});
  const auto gone = submit(scheduler, model, {"a", "b"}, std::chrono::seconds(60), true);
  begin.set_value();
  first->done.get_future().get();
  gone->done.get_future().get();
  EXPECT_EQ(gone->job->end, JobEnd::kAbandoned);
  EXPECT_EQ(classified, 1);
}

TEST(Scheduler, SaysThatTheEngineFailed) {
  Metrics metrics;
  const ModelPointer model =
      model_of([](std::span<const std::string_view>, int) { throw std::runtime_error("broken"); });
  Scheduler scheduler({1}, at_once, metrics);
  const auto waiting = submit(scheduler, model, {"text"});
  waiting->done.get_future().get();
  EXPECT_EQ(waiting->job->end, JobEnd::kFailed);
  EXPECT_EQ(waiting->job->failure, "broken");
}

TEST(Models, KnowTheirLicenceAndKeepWhatTheyHaveWhenALoadFails) {
  bool fails = false;
  Models models([&] {
    if (fails) throw std::runtime_error("gone");
    return std::vector<ModelPointer>{model_of()};
  });
  EXPECT_EQ(models.first()->license, "mit");
  const ModelPointer before = models.first();
  fails = true;
  EXPECT_THROW(models.reload(), std::runtime_error);
  EXPECT_EQ(models.first(), before);
  fails = false;
  models.reload();
  EXPECT_NE(models.first(), before);
  EXPECT_EQ(models.find("nothing"), nullptr);
}

}  // namespace
}  // namespace valence::serve
