// The C functions of include/valence/valence.h over the pipeline. Nothing is thrown across them.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/choose_model.h"
#include "base/error.h"
#include "base/threads.h"
#include "pipeline/classifier.h"
#include "valence/valence.h"

namespace {

using valence::Error;
using valence::ErrorCode;
using valence::pipeline::Classifier;
using valence::pipeline::Result;
using Labels = std::vector<std::string>;

// Up to here all threads work on one text after another; above, each takes its own part of the texts.
constexpr size_t kFewTexts = 32;
// Texts that a worker takes at a time, at most: enough for the pipeline to sort and pack.
constexpr size_t kLargestPart = 256;

// A fixed buffer: the message of an allocation that failed must not allocate.
thread_local char last_error[2048];

valence_status fail(valence_status status, const char* message) noexcept {
  std::snprintf(last_error, sizeof last_error, "%s", message);
  return status;
}

// Runs `work`; its exception becomes a status and a message.
template <typename Work>
valence_status guarded(Work work) noexcept {
  try {
    work();
    return VALENCE_OK;
  } catch (const Error& error) {
    return fail(static_cast<valence_status>(valence::exit_status(error.code())), error.what());
  } catch (const std::bad_alloc&) {
    return fail(VALENCE_RUNTIME, "out of memory");
  } catch (const std::exception& error) {
    return fail(VALENCE_RUNTIME, error.what());
  } catch (...) {
    return fail(VALENCE_RUNTIME, "unknown error");
  }
}

void require(bool condition, const char* message) {
  if (!condition) throw Error(ErrorCode::kUsage, message);
}

// What the caller set; a field beyond the caller's `size` has its default.
valence_options known_options(const valence_options* given) {
  valence_options options = VALENCE_OPTIONS_INIT;
  if (given == nullptr) return options;
  require(given->size >= sizeof(size_t), "options: begin with VALENCE_OPTIONS_INIT");
  std::memcpy(&options, given, std::min(given->size, sizeof options));
  return options;
}

std::unique_ptr<Classifier> load(const char* model, const valence_options& options) {
  const auto word = [](const char* given, const char* otherwise) {
    return std::string(given ? given : otherwise);
  };
  require(options.threads >= 0, "threads: expected 0 or more");
  valence::pipeline::ClassifierOptions parsed;
  parsed.dtype = valence::api::parse_dtype(word(options.dtype, "auto"));
  parsed.social = valence::api::parse_social(word(options.social, "auto"));
  parsed.long_text = valence::api::parse_long_text(word(options.long_text, "windows"));
  parsed.threads = options.threads;
  std::optional<std::string> adapter;
  if (options.adapter != nullptr) adapter = options.adapter;
  const auto chosen = valence::api::choose_model(model, adapter, valence::api::Download::kNever);
  return Classifier::load(chosen.model, chosen.adapter ? &*chosen.adapter : nullptr, parsed);
}

}  // namespace

struct valence_classifier {
  explicit valence_classifier(std::unique_ptr<Classifier> loaded)
      : classifier(std::move(loaded)),
        labels(std::make_shared<const Labels>(classifier->labels())),
        pool(classifier->workers()) {}

  std::vector<Result> classify(const std::vector<std::string_view>& texts);

  const std::unique_ptr<Classifier> classifier;
  const std::shared_ptr<const Labels> labels;
  valence::ThreadPool pool;
  std::mutex mutex;  // one call at a time
};

std::vector<Result> valence_classifier::classify(const std::vector<std::string_view>& texts) {
  const std::lock_guard lock(mutex);
  if (texts.size() <= kFewTexts) return classifier->classify_together(texts);
  std::vector<Result> results(texts.size());
  const auto workers = static_cast<size_t>(pool.size());
  const size_t part_size = std::min(kLargestPart, (texts.size() + workers - 1) / workers);
  pool.run((texts.size() + part_size - 1) / part_size, [&](size_t part, int worker) {
    const size_t begin = part * part_size;
    const size_t count = std::min(part_size, texts.size() - begin);
    std::vector<Result> some = classifier->classify(std::span(texts).subspan(begin, count), worker);
    std::move(some.begin(), some.end(), results.begin() + static_cast<ptrdiff_t>(begin));
  });
  return results;
}

struct valence_results {
  valence_results(std::vector<Result> from, std::shared_ptr<const Labels> names);

  const std::vector<Result> results;
  const std::shared_ptr<const Labels> labels;  // results may outlive their classifier
  std::vector<valence_result> plain;
};

valence_results::valence_results(std::vector<Result> from, std::shared_ptr<const Labels> names)
    : results(std::move(from)), labels(std::move(names)) {
  plain.reserve(results.size());
  for (const Result& result : results) {
    valence_result& out = plain.emplace_back();
    if (!result.reject_reason.empty()) {
      out.error = result.reject_reason.c_str();
      out.error_message = result.reject_message.c_str();
      continue;
    }
    out.label_index = static_cast<size_t>(result.label);
    out.label = labels->at(out.label_index).c_str();
    out.score = result.scores.at(out.label_index);
    out.polarity = result.polarity;
    out.scores = result.scores.data();
    out.logits = result.logits.data();
    out.tokens = result.tokens;
    out.windows = result.windows;
    out.truncated = result.truncated ? 1 : 0;
  }
}

const char* valence_error_message(void) { return last_error; }

const char* valence_version(void) { return VALENCE_VERSION; }

valence_status valence_load(const char* model, const valence_options* options,
                            valence_classifier** classifier) {
  return guarded([&] {
    require(classifier != nullptr, "valence_load: classifier is NULL");
    *classifier = nullptr;
    require(model != nullptr, "valence_load: model is NULL");
    const valence_options known = known_options(options);
    *classifier = new valence_classifier(load(model, known));
  });
}

void valence_free(valence_classifier* classifier) { delete classifier; }

size_t valence_label_count(const valence_classifier* classifier) { return classifier->labels->size(); }

const char* valence_label(const valence_classifier* classifier, size_t index) {
  return index < classifier->labels->size() ? (*classifier->labels)[index].c_str() : nullptr;
}

valence_status valence_classify(valence_classifier* classifier, const valence_text* texts, size_t count,
                                valence_results** results) {
  return guarded([&] {
    require(results != nullptr, "valence_classify: results is NULL");
    *results = nullptr;
    require(classifier != nullptr, "valence_classify: classifier is NULL");
    require(texts != nullptr || count == 0, "valence_classify: texts is NULL");
    std::vector<std::string_view> views;
    views.reserve(count);
    for (size_t k = 0; k < count; ++k) {
      require(texts[k].data != nullptr || texts[k].size == 0, "valence_classify: a text is NULL");
      views.emplace_back(texts[k].data, texts[k].size);
    }
    *results = new valence_results(classifier->classify(views), classifier->labels);
  });
}

size_t valence_results_count(const valence_results* results) { return results->plain.size(); }

const valence_result* valence_results_at(const valence_results* results, size_t index) {
  return index < results->plain.size() ? &results->plain[index] : nullptr;
}

void valence_results_free(valence_results* results) { delete results; }
