// A loaded model as Python uses it: from any thread, in the child of a fork, and to be interrupted.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/classifier.h"

namespace valence::python {

// As the options of the program that have these names.
struct EngineOptions {
  std::optional<std::string> model, adapter, tasks;
  std::string dtype = "auto", device = "auto", social = "auto", long_text = "windows";
  int64_t max_tokens = 0;  // of one input, where the model takes more; 0: what the model takes
  int threads = 0;
  bool offline = false;     // only what is there already
  bool read_blank = false;  // a blank text is read as special tokens alone, as transformers does
};

// Nothing here knows Python.
class Engine {
 public:
  // `stop` is as below; it ends a download. Errors: those of api::choose_model and Classifier::load.
  Engine(EngineOptions options, const std::function<bool()>& stop);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const pipeline::Classifier& classifier() const { return *state_->classifier; }

  // One result for each input. Calls of several threads follow each other: each uses all cores. `stop` is
  // asked some times a second on the calling thread, also while it waits; when it says true the call ends
  // within a batch. Errors: kInterrupted after `stop`; those of Classifier.
  std::vector<pipeline::Result> classify(std::span<const pipeline::TextPair> inputs,
                                         const std::function<bool()>& stop);

 private:
  struct State {
    std::unique_ptr<pipeline::Classifier> classifier;
    std::timed_mutex mutex;
    std::atomic<int> calls = 0;      // under way or waiting
    std::atomic<bool> stop = false;  // ends the call that is under way
  };

  std::unique_ptr<State> load() const;
  State& state_of_this_process();

  const EngineOptions options_;
  std::unique_ptr<State> state_;
  int process_;  // in which state_ was made or found good
  std::mutex mutex_;
};

}  // namespace valence::python
