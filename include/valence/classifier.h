// Valence from C++: text to label.
//
//   valence::Classifier classifier;                        // the model that the library carries
//   valence::Result result = classifier.classify("I love this");
//   std::cout << result.label << ' ' << result.score << '\n';
//
// A thin layer, all of it in this header, over the C functions of valence.h: only those cross the border of
// the library, so a program may be built with another compiler or another standard library than libvalence
// was. C++17 or later.
#pragma once

#include <valence/valence.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace valence {

// What every function here throws. The message is one line: what, where, expected and got.
class Error : public std::runtime_error {
 public:
  Error(valence_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  valence_status status() const { return status_; }

 private:
  valence_status status_;
};

// The values are those of the program's options of the same names.
struct Options {
  std::string dtype =
      "auto";           // "fp32", "bf16", "int8", "nf4", or "auto": the type that the model is stored in
  std::string adapter;  // a PEFT LoRA folder; empty: none
  std::string social = "auto";  // preprocessing of tweets: "on", "off", or "auto": as the model was trained
  std::string long_text = "windows";  // a text beyond the model's length: "windows", "truncate", "error"
  int threads = 0;                    // 0: every core that this process may use
};

struct Result {
  // Empty when the text was classified; else "empty_text", "invalid_encoding" or "too_long", the same in
  // words, and the other members have no meaning.
  std::string error, error_message;

  std::string label;          // the one with the largest score
  double score = 0;           // its score
  double polarity = 0;        // -1 (negative) to 1 (positive); NaN when the labels say nothing about it
  std::vector<float> scores;  // [labels] probabilities; of a regression model the values themselves
  std::vector<float> logits;  // [labels]
  std::int64_t tokens = 0;    // special tokens included, before any cut
  std::int32_t windows = 0;   // overlapping parts in which the text was read: 1 when it fits the model
  bool truncated = false;     // a part of the text was not read
};

namespace detail {

inline void check(valence_status status) {
  if (status != VALENCE_OK) throw Error(status, valence_error_message());
}

inline Result copy(const valence_result& from, std::size_t labels) {
  Result result;
  if (from.error != nullptr) {
    result.error = from.error;
    result.error_message = from.error_message;
    return result;
  }
  result.label = from.label;
  result.score = from.score;
  result.polarity = from.polarity;
  result.scores.assign(from.scores, from.scores + labels);
  result.logits.assign(from.logits, from.logits + labels);
  result.tokens = from.tokens;
  result.windows = from.windows;
  result.truncated = from.truncated != 0;
  return result;
}

}  // namespace detail

// A loaded model. May be moved; may be used from several threads, whose calls then follow each other.
class Classifier {
 public:
  // `model` is "default", a folder, or a name in the cache of downloaded models ("org/name",
  // "org/name@revision").
  explicit Classifier(const std::string& model = "default", const Options& options = {}) {
    valence_options plain = VALENCE_OPTIONS_INIT;
    plain.dtype = options.dtype.c_str();
    plain.adapter = options.adapter.empty() ? nullptr : options.adapter.c_str();
    plain.social = options.social.c_str();
    plain.long_text = options.long_text.c_str();
    plain.threads = options.threads;
    valence_classifier* loaded = nullptr;
    detail::check(valence_load(model.c_str(), &plain, &loaded));
    classifier_.reset(loaded);
    for (std::size_t k = 0; k < valence_label_count(loaded); ++k)
      labels_.emplace_back(valence_label(loaded, k));
  }

  // In the order of the model's outputs, which is that of `scores` and `logits`.
  const std::vector<std::string>& labels() const { return labels_; }

  // One text. Throws Error(VALENCE_USAGE) when it cannot be used (empty, not UTF-8).
  Result classify(std::string_view text) const {
    Result result = std::move(classify_all({text}).front());
    if (!result.error.empty()) throw Error(VALENCE_USAGE, result.error_message);
    return result;
  }

  // Many texts, in any container of strings: the fast way. The results have the order of the texts. A text
  // that cannot be used has `error` set in its result; nothing is thrown for it.
  template <typename Texts>
  std::vector<Result> classify_all(const Texts& texts) const {
    std::vector<valence_text> plain;
    for (std::string_view text : texts) plain.push_back({text.data(), text.size()});
    return classify_plain(plain);
  }
  std::vector<Result> classify_all(std::initializer_list<std::string_view> texts) const {
    return classify_all<std::initializer_list<std::string_view>>(texts);
  }

 private:
  struct Free {
    void operator()(valence_classifier* classifier) const { valence_free(classifier); }
    void operator()(valence_results* results) const { valence_results_free(results); }
  };

  std::vector<Result> classify_plain(const std::vector<valence_text>& plain) const {
    valence_results* raw = nullptr;
    detail::check(valence_classify(classifier_.get(), plain.data(), plain.size(), &raw));
    const std::unique_ptr<valence_results, Free> owner(raw);
    std::vector<Result> results;
    results.reserve(plain.size());
    for (std::size_t k = 0; k < plain.size(); ++k) {
      results.push_back(detail::copy(*valence_results_at(raw, k), labels_.size()));
    }
    return results;
  }

  std::unique_ptr<valence_classifier, Free> classifier_;
  std::vector<std::string> labels_;
};

}  // namespace valence
