#include "answers.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "pipeline/scores.h"

namespace nb = nanobind;

namespace valence::python {
namespace {

using models::Problem;
using pipeline::Result;

models::Problem problem_of(const std::string& function, Problem otherwise) {
  if (function.empty()) return otherwise;
  if (function == "none") return Problem::kRegression;
  return function == "sigmoid" ? Problem::kMultiLabel : Problem::kSingleLabel;
}

// Softmax of one label is 1, where the pipeline's own default is the sigmoid.
std::vector<float> scores_by(const std::string& function, Problem problem, std::span<const float> logits) {
  if (function == "softmax" && logits.size() == 1) return {1.0f};
  return pipeline::scores_of(logits, problem_of(function, problem));
}

nb::list names_of(const std::vector<std::string>& labels) {
  nb::list names;
  for (const std::string& label : labels) names.append(nb::str(label.c_str(), label.size()));
  return names;
}

nb::dict entry(const nb::list& names, std::span<const float> scores, size_t label) {
  nb::dict out;
  out["label"] = names[label];
  out["score"] = static_cast<double>(scores[label]);
  return out;
}

nb::dict by_label(const nb::list& names, std::span<const float> scores) {
  nb::dict out;
  for (size_t label = 0; label < scores.size(); ++label)
    out[names[label]] = static_cast<double>(scores[label]);
  return out;
}

// (language, confidence, route, translation, warnings), or None.
nb::object routing_of(const Result& result) {
  if (!result.routing) return nb::none();
  const pipeline::Routing& routing = *result.routing;
  nb::object translation = nb::none();
  if (routing.route == pipeline::Route::kTranslated)
    translation = nb::str(routing.translation.c_str(), routing.translation.size());
  nb::list warnings;
  for (const std::string& warning : routing.warnings) warnings.append(nb::str(warning.c_str()));
  return nb::make_tuple(nb::str(routing.language.c_str()), routing.confidence,
                        nb::str(pipeline::route_name(routing.route)), translation, nb::tuple(warnings));
}

}  // namespace

ModelFacts::ModelFacts(const pipeline::Classifier& classifier)
    : labels(classifier.labels()),
      tasks(classifier.tasks()),
      problem(classifier.regression()    ? Problem::kRegression
              : classifier.multi_label() ? Problem::kMultiLabel
                                         : Problem::kSingleLabel) {}

nb::list Answers::pipeline(const std::string& function, bool best, std::optional<int64_t> top_k,
                           bool unsorted) const {
  const nb::list names = names_of(facts_->labels);
  const auto labels = static_cast<int64_t>(facts_->labels.size());
  // As Python cuts a list: a negative number counts from the end.
  const int64_t asked = top_k.value_or(labels);
  const int64_t count = std::clamp<int64_t>(asked < 0 ? labels + asked : asked, 0, labels);
  nb::list out;
  for (size_t k = 0; k < results_.size(); ++k) {
    const Result& result = results_[k];
    if (!result.reject_reason.empty()) {
      throw nb::value_error(("text " + std::to_string(k) + ": " + result.reject_message).c_str());
    }
    const std::vector<float> scores = scores_by(function, facts_->problem, result.logits);
    if (best) {
      out.append(entry(names, scores, static_cast<size_t>(pipeline::best_of(scores))));
      continue;
    }
    std::vector<size_t> order(scores.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (!unsorted) {
      std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    }
    nb::list row;
    for (int64_t place = 0; place < count; ++place)
      row.append(entry(names, scores, order[static_cast<size_t>(place)]));
    out.append(row);
  }
  return out;
}

nb::list Answers::rows() const {
  const nb::list names = names_of(facts_->labels);
  std::vector<std::pair<nb::str, nb::list>> tasks;
  for (const pipeline::Task& task : facts_->tasks)
    tasks.emplace_back(nb::str(task.name.c_str(), task.name.size()), names_of(task.labels));
  nb::list out;
  for (const Result& result : results_) {
    if (!result.reject_reason.empty()) {
      out.append(nb::make_tuple(result.reject_reason, result.reject_message, nb::none(), nb::none(),
                                nb::dict(), nb::none(), 0, 0, false, nb::dict(), nb::none()));
      continue;
    }
    const auto label = static_cast<size_t>(result.label);
    const nb::object polarity =
        std::isnan(result.polarity) ? nb::object(nb::none()) : nb::object(nb::float_(result.polarity));
    nb::dict answers;
    for (size_t k = 0; k < tasks.size(); ++k) {
      const pipeline::TaskResult& task = result.tasks[k];
      if (task.scores.empty()) continue;
      nb::dict answer = entry(tasks[k].second, task.scores, static_cast<size_t>(task.label));
      answer["scores"] = by_label(tasks[k].second, task.scores);
      answers[tasks[k].first] = answer;
    }
    out.append(nb::make_tuple(nb::none(), nb::none(), names[label], static_cast<double>(result.scores[label]),
                              by_label(names, result.scores), polarity, result.tokens, result.windows,
                              result.truncated, answers, routing_of(result)));
  }
  return out;
}

nb::bytes Answers::logits() const {
  const size_t labels = facts_->labels.size();
  std::vector<float> all(results_.size() * labels, std::numeric_limits<float>::quiet_NaN());
  for (size_t k = 0; k < results_.size(); ++k)
    std::ranges::copy(results_[k].logits, all.begin() + static_cast<std::ptrdiff_t>(k * labels));
  return nb::bytes(all.data(), all.size() * sizeof(float));
}

}  // namespace valence::python
