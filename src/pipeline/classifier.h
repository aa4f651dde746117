// Text to label: the one place where tokenizer, windows, encoder and head meet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "formats/model_files.h"
#include "pipeline/route.h"
#include "text/tokenizer.h"

namespace valence::pipeline {

enum class Social { kAuto, kOn, kOff };               // the preprocessing of Cardiff's tweet models
enum class LongText { kWindows, kTruncate, kError };  // what happens to a text beyond the model's length

enum class Device { kAuto, kCpu, kCuda };

// A source of a model: its files and how it was named.
struct ModelSource {
  formats::ModelFiles files;
  std::string name;      // as the user wrote it
  std::string revision;  // the commit, or empty
};

// Another question about the same text, answered in the same pass.
struct TaskSource {
  std::string name;
  std::optional<ModelSource> adapter;  // absent: the model's own answer under this name
};

struct ClassifierOptions {
  std::optional<backend::WeightType> dtype =
      std::nullopt;  // absent: what the device makes of the stored type
  // kAuto: a GPU where there is one and `expected_bytes` of text are worth starting it.
  Device device = Device::kAuto;
  uint64_t expected_bytes = 0;
  Social social = Social::kAuto;
  LongText long_text = LongText::kWindows;
  int64_t max_tokens = 0;  // of one input, where the model takes more; 0: what the model takes
  // A blank text is read as the special tokens alone, as transformers does; else it is rejected.
  bool read_blank = false;
  int threads = 0;  // 0: the cores this process may use
  std::vector<TaskSource> tasks = {};
  // When it becomes true every call ends between two batches, with Error(kInterrupted). Null: nothing stops
  // it.
  const std::atomic<bool>* stop = nullptr;
};

// What one call asks of its texts, where that differs from call to call.
struct Reading {
  // Bit k: also answer task k of ClassifierOptions::tasks (of the first 64; those behind are not answered).
  uint64_t tasks = ~uint64_t{0};
  std::optional<LongText> long_text = std::nullopt;  // absent: that of the options
  bool keep_end = false;                             // kTruncate keeps a text's end instead of its beginning
  // For a classifier that routes: the language of each text, "" where the caller does not know it; none at
  // all when it knows none.
  std::span<const std::string_view> languages = {};
  std::optional<Route> route = std::nullopt;  // likewise: the route of all texts; absent: as it chooses
};

// Of one task, in the order of its labels; without scores when the call did not ask for it.
struct TaskResult {
  std::vector<float> scores;
  int label = 0;
};

// One input of one text or two, as models of two sentences read them. An empty second text counts as none, as
// in transformers.
struct TextPair {
  std::string_view text;
  std::optional<std::string_view> pair = std::nullopt;
};

// What is known about one text. Probabilities and logits are in the order of id2label.
struct Result {
  // Set when the text cannot be used: "empty_text", "invalid_encoding", "too_long"; the rest is then empty.
  std::string reject_reason;
  std::string reject_message;

  std::vector<float> scores;  // softmax; sigmoid for multi-label or one label; the raw value for regression
  std::vector<float> logits;
  int label = 0;        // index of the largest score
  double polarity = 0;  // -1 to 1; NaN when the labels say nothing about it
  int64_t tokens = 0;   // special tokens included, before any cut
  int32_t windows = 0;
  bool truncated = false;
  std::vector<TaskResult> tasks;                  // in the order of ClassifierOptions::tasks
  std::optional<Routing> routing = std::nullopt;  // of a classifier that routes
};

struct Task {
  std::string name;
  std::vector<std::string> labels;
};

// Where an answer comes from.
struct Provenance {
  std::string model;
  std::string revision;  // empty when unknown
  std::string sha256;    // of the weight files
  std::string adapter;   // empty when there is none
  std::string dtype;     // "fp32", "bf16", "int8", "nf4"
  std::string device;    // "cpu avx2", "cuda NVIDIA H100 80GB HBM3"
};

class Classifier {
 public:
  // `adapter` is a PEFT folder or null. Errors: kBadData, kUnavailable, kUsage, kNoMemory.
  static std::unique_ptr<Classifier> load(const ModelSource& model, const ModelSource* adapter,
                                          const ClassifierOptions& options);
  virtual ~Classifier() = default;

  virtual const std::vector<std::string>& labels() const = 0;
  virtual bool multi_label() const = 0;
  virtual const std::vector<Task>& tasks() const = 0;
  virtual bool regression() const = 0;
  // Of the longest input that is read in one window, special tokens included.
  virtual int64_t longest_input() const = 0;
  virtual const text::Tokenizer& tokenizer() const = 0;
  // Computed at the first call: it reads the weights once more for their hash.
  virtual Provenance provenance() const = 0;
  // Whether texts take different ways by their language (routing/router.h); each result then says which.
  virtual bool routes() const { return false; }
  // The language by which it would choose a text's way, as results name it; empty where none does.
  virtual std::string language_of(std::string_view /*text*/) const { return ""; }
  // Of the answers of that route.
  virtual Provenance provenance_of(Route) const { return provenance(); }
  // Bytes of the weights in memory.
  virtual size_t weight_bytes() const = 0;
  // A stable digest of everything that decides the answers (weights' size and names, config, options);
  // cheap. A resumed job compares it.
  virtual std::string fingerprint() const = 0;

  // Workers that may call classify at once: each with its own index in [0, workers()).
  virtual int workers() const = 0;
  // One result for each text. A text's result has the same bits whatever the others are. Best with a few
  // hundred texts at a time: they are sorted by length and packed inside.
  virtual std::vector<Result> classify(std::span<const std::string_view> texts, int worker,
                                       const Reading& reading) = 0;
  // The same with all threads on one call: for a few texts at a terminal. Not while workers run.
  virtual std::vector<Result> classify_together(std::span<const std::string_view> texts,
                                                const Reading& reading) = 0;

  // The same two for inputs of which some or all are two texts, joined as transformers joins them (BERT:
  // [CLS] text [SEP] pair [SEP] with token types). A pair that is too long is never read in windows: the
  // longer text is cut until both fit, and the result is `truncated`; LongText::kError rejects it. Errors:
  // kUsage for a pair where the tokenizer does not say how to join two texts.
  virtual std::vector<Result> classify_pairs(std::span<const TextPair> pairs, int worker,
                                             const Reading& reading) = 0;
  virtual std::vector<Result> classify_pairs_together(std::span<const TextPair> pairs,
                                                      const Reading& reading) = 0;

  // As the options say.
  std::vector<Result> classify(std::span<const std::string_view> texts, int worker) {
    return classify(texts, worker, {});
  }
  std::vector<Result> classify_together(std::span<const std::string_view> texts) {
    return classify_together(texts, {});
  }
  std::vector<Result> classify_pairs(std::span<const TextPair> pairs, int worker) {
    return classify_pairs(pairs, worker, {});
  }
  std::vector<Result> classify_pairs_together(std::span<const TextPair> pairs) {
    return classify_pairs_together(pairs, {});
  }
};

}  // namespace valence::pipeline
