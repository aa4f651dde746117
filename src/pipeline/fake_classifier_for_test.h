// A classifier for tests: the answer is a function of the text.
#pragma once

#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/classifier.h"

namespace valence::pipeline {

class FakeClassifier : public Classifier {
 public:
  // Called by the workers before they answer.
  using Hook = std::function<void(std::span<const std::string_view>, int worker)>;
  explicit FakeClassifier(int workers = 2, Hook before = {})
      : workers_(workers), before_(std::move(before)) {}

  const std::vector<std::string>& labels() const override { return labels_; }
  bool multi_label() const override { return false; }
  bool regression() const override { return false; }
  const std::vector<Task>& tasks() const override { return tasks_; }
  Provenance provenance() const override { return {"fake", "", "00ff", "", "fp32", "cpu"}; }
  size_t weight_bytes() const override { return 0; }
  int64_t longest_input() const override { return 512; }
  const text::Tokenizer& tokenizer() const override { throw std::logic_error("a fake has no tokenizer"); }
  std::string fingerprint() const override { return fingerprint_; }
  int workers() const override { return workers_; }

  std::vector<Result> classify(std::span<const std::string_view> texts, int worker,
                               const Reading& /*reading*/) override {
    if (before_) before_(texts, worker);
    std::vector<Result> results;
    for (const std::string_view text : texts) results.push_back(answer(text));
    return results;
  }
  std::vector<Result> classify_together(std::span<const std::string_view> texts,
                                        const Reading& reading) override {
    ++together_;
    return classify(texts, 0, reading);
  }

  std::vector<Result> classify_pairs(std::span<const TextPair> pairs, int worker,
                                     const Reading& reading) override {
    std::vector<std::string_view> texts;
    for (const TextPair& pair : pairs) texts.push_back(pair.text);
    return classify(texts, worker, reading);
  }
  std::vector<Result> classify_pairs_together(std::span<const TextPair> pairs,
                                              const Reading& reading) override {
    return classify_pairs(pairs, 0, reading);
  }

  int together() const { return together_; }
  void set_fingerprint(std::string fingerprint) { fingerprint_ = std::move(fingerprint); }

  static Result answer(std::string_view text) {
    Result result;
    if (text.find("TOO LONG") != std::string_view::npos) {
      result.reject_reason = "too_long";
      result.reject_message = "the text is too long";
      return result;
    }
    const size_t hash = std::hash<std::string_view>{}(text);
    result.label = static_cast<int>(hash % 3);
    result.scores = {0.25f, 0.25f, 0.25f};
    result.scores[hash % 3] = 0.5f;
    result.logits = {-1.5f, 0.125f, static_cast<float>(hash % 1000) / 7.0f};
    const bool known = text.find("NO POLARITY") == std::string_view::npos;
    result.polarity =
        known ? static_cast<double>(result.label) - 1.0 : std::numeric_limits<double>::quiet_NaN();
    result.tokens = static_cast<int64_t>(text.size());
    result.windows = 1;
    return result;
  }

 private:
  std::vector<Task> tasks_;
  std::vector<std::string> labels_ = {"negative", "neutral", "positive"};
  std::string fingerprint_ = "fake-1";
  int workers_;
  Hook before_;
  int together_ = 0;
};

}  // namespace valence::pipeline
