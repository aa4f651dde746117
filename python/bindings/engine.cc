#include "engine.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <iterator>
#include <thread>
#include <utility>

#include "api/choose_model.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/threads.h"
#include "routing/load.h"

namespace valence::python {
namespace {

using pipeline::Classifier;
using pipeline::Result;
using pipeline::TextPair;

// How long a signal waits, at most, before it is looked for.
constexpr std::chrono::milliseconds kPatience{50};
// So few bytes of text are done before anybody could interrupt, so no thread is started for them.
constexpr size_t kFewBytes = 1024;
// Up to so many texts all threads work on one after another; above, each takes its own part of the texts.
constexpr size_t kFewTexts = 32;
// What a worker takes at a time, at most: enough for the pipeline to sort and pack, little enough to share.
constexpr size_t kPartTexts = 256, kPartBytes = 64 << 10;

size_t bytes_of(const TextPair& input) { return input.text.size() + input.pair.value_or("").size(); }

// Where the parts begin, and the end.
std::vector<size_t> parts_of(std::span<const TextPair> inputs, size_t workers) {
  const size_t most = std::clamp<size_t>(inputs.size() / workers / 4, 1, kPartTexts);
  std::vector<size_t> begins{0};
  size_t bytes = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    bytes += bytes_of(inputs[k]);
    if (k > begins.back() && (k - begins.back() >= most || bytes > kPartBytes)) {
      begins.push_back(k);
      bytes = bytes_of(inputs[k]);
    }
  }
  begins.push_back(inputs.size());
  return begins;
}

std::vector<Result> classify_all(Classifier& classifier, std::span<const TextPair> inputs) {
  if (inputs.size() <= kFewTexts) return classifier.classify_pairs_together(inputs);
  const auto workers = static_cast<size_t>(classifier.workers());
  const std::vector<size_t> begins = parts_of(inputs, workers);
  std::vector<Result> results(inputs.size());
  ThreadPool pool(static_cast<int>(workers));
  pool.run(begins.size() - 1, [&](size_t part, int worker) {
    const auto some = inputs.subspan(begins[part], begins[part + 1] - begins[part]);
    std::ranges::move(classifier.classify_pairs(some, worker),
                      results.begin() + static_cast<std::ptrdiff_t>(begins[part]));
  });
  return results;
}

// Work on a thread of its own, so that the one of the caller is free to look for signals.
class Task {
 public:
  explicit Task(const std::function<void()>& work) : thread_([this, work] { run(work); }) {}
  ~Task() { thread_.join(); }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  bool done_within(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return signal_.wait_for(lock, time, [this] { return done_; });
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void run(const std::function<void()>& work) {
    try {
      work();
    } catch (...) {
      failure_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    done_ = true;
    signal_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable signal_;
  bool done_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

[[noreturn]] void interrupt() { throw Error(ErrorCode::kInterrupted, "interrupted"); }

// Runs `work` until `stop` says true: then `end` is called, and when `work` has noticed, kInterrupted thrown.
void run_watched(const std::function<void()>& work, const std::function<bool()>& stop,
                 const std::function<void()>& end) {
  bool stopped = false;
  {
    Task task(work);
    while (!task.done_within(kPatience)) {
      if (stopped || !stop()) continue;
      stopped = true;
      end();
    }
    if (!stopped) task.rethrow();
  }
  if (stopped) interrupt();
}

}  // namespace

Engine::Engine(EngineOptions options, const std::function<bool()>& stop)
    : options_(std::move(options)), process_(static_cast<int>(::getpid())) {
  struct TakeBack {
    ~TakeBack() { set_interrupted(false); }
  } const take_back;
  run_watched([this] { state_ = load(); }, stop, [] { set_interrupted(true); });
}

Engine::~Engine() {
  // In the child of a fork during a call nothing of the call can be ended.
  if (process_ != ::getpid() && state_ && state_->calls != 0) [[maybe_unused]]
    const State* left = state_.release();
}

std::unique_ptr<Engine::State> Engine::load() const {
  const api::Download download = options_.offline ? api::Download::kNever : api::Download::kAllowed;
  auto state = std::make_unique<State>();
  pipeline::ClassifierOptions parsed;
  parsed.dtype = api::parse_dtype(options_.dtype);
  parsed.device = api::parse_device(options_.device);
  parsed.social = api::parse_social(options_.social);
  parsed.long_text = api::parse_long_text(options_.long_text);
  parsed.threads = options_.threads;
  parsed.max_tokens = options_.max_tokens;
  parsed.read_blank = options_.read_blank;
  if (options_.tasks) parsed.tasks = api::choose_tasks(*options_.tasks, download);
  parsed.stop = &state->stop;
  const auto chosen = api::choose_model(options_.model, options_.adapter, download);
  const pipeline::ModelSource* adapter = chosen.adapter ? &*chosen.adapter : nullptr;
  if (options_.model || options_.adapter) {
    state->classifier = Classifier::load(chosen.model, adapter, parsed);
  } else {
    routing::RoutingChoice choice;
    choice.table = routing::RouteTable::embedded();
    state->classifier = routing::load_router(chosen.model, adapter, parsed, std::move(choice));
  }
  return state;
}

// A call that was under way in the parent left its half-done work and a locked mutex here, so the model is
// loaded again; what is left is never looked at again. Without one all is as it should be.
Engine::State& Engine::state_of_this_process() {
  const std::lock_guard lock(mutex_);
  const int process = static_cast<int>(::getpid());
  if (process_ != process && state_->calls != 0) {
    [[maybe_unused]] const State* left = state_.release();
    state_ = load();
  }
  process_ = process;
  return *state_;
}

std::vector<Result> Engine::classify(std::span<const TextPair> inputs, const std::function<bool()>& stop) {
  State& state = state_of_this_process();
  ++state.calls;
  struct Leave {
    std::atomic<int>& calls;
    ~Leave() { --calls; }
  } const leave{state.calls};
  std::unique_lock lock(state.mutex, std::defer_lock);
  while (!lock.try_lock_for(kPatience)) {
    if (stop()) interrupt();
  }
  state.stop = false;
  size_t bytes = 0;
  for (const TextPair& input : inputs) bytes += bytes_of(input);
  if (bytes <= kFewBytes) return classify_all(*state.classifier, inputs);
  std::vector<Result> results;
  run_watched([&] { results = classify_all(*state.classifier, inputs); }, stop, [&] { state.stop = true; });
  return results;
}

}  // namespace valence::python
