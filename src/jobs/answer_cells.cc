#include "jobs/answer_cells.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "base/error.h"
#include "formats/json.h"
#include "pipeline/answer_json.h"

namespace valence::jobs {
namespace {

using rows::Cell;
using rows::OutputFormat;

std::string rounded(const char* format, double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

}  // namespace

AnswerCells::AnswerCells(AnswerOptions options, std::vector<std::string> labels)
    : options_(std::move(options)), labels_(std::move(labels)) {
  for (const pipeline::Provenance& from : options_.provenance)
    provenance_json_.push_back(pipeline::json_of(from));
}

size_t AnswerCells::ranks() const {
  return options_.top_k <= 0 ? labels_.size() : std::min(labels_.size(), static_cast<size_t>(options_.top_k));
}

std::vector<std::string> AnswerCells::names() const {
  if (options_.format == OutputFormat::kTable) {
    std::vector<std::string> names = {"label", "score", "polarity", "tokens"};
    if (options_.routes) names.insert(names.end(), {"language", "route"});
    for (const pipeline::Task& task : options_.tasks) names.push_back(task.name);
    return names;
  }
  std::vector<std::string> names = {"label", "score"};
  const bool json = options_.format == OutputFormat::kJsonLines;
  if (json) names.push_back("scores");
  names.insert(names.end(), {"polarity", "tokens", "windows", "truncated"});
  if (options_.routes)
    names.insert(names.end(), {"language", "language_confidence", "route", "translation", "warnings"});
  if (json) {
    if (!options_.tasks.empty()) names.push_back("tasks");
    if (options_.logits) names.push_back("logits");
    if (options_.details.sentences) names.push_back("sentences");
    if (options_.details.explain) names.push_back("explanation");
    if (!options_.provenance.empty()) names.push_back("model");
    return names;
  }
  for (size_t rank = 1; options_.top_k > 0 && rank < ranks(); ++rank) {
    names.push_back("label_" + std::to_string(rank + 1));
    names.push_back("score_" + std::to_string(rank + 1));
  }
  for (const std::string& label : labels_) {
    if (options_.logits) names.push_back("logit_" + label);
  }
  for (const pipeline::Task& task : options_.tasks) {
    names.push_back(task.name);
    names.push_back(task.name + "_score");
  }
  for (const char* name : {"model", "revision", "sha256", "adapter", "dtype", "device"}) {
    if (!options_.provenance.empty()) names.push_back(name);
  }
  return names;
}

void AnswerCells::add_string(std::string_view text) {
  cells_.push_back({Cell::Kind::kString, std::string(text), 0});
}
void AnswerCells::add_json(std::string text) { cells_.push_back({Cell::Kind::kJson, std::move(text), 0}); }

void AnswerCells::add_number(float value) {
  if (!std::isfinite(value)) {
    cells_.emplace_back();
    return;
  }
  std::string text;
  formats::append_json_number(text, value);
  add_json(std::move(text));
}

// It is made of scores in single precision: more digits would say nothing.
void AnswerCells::add_polarity(double polarity) { add_number(static_cast<float>(polarity)); }

// In columns the warnings stand in one, between spaces.
void AnswerCells::add_routing(const pipeline::Result& result) {
  if (!result.routing) {
    cells_.resize(cells_.size() + 5);
    return;
  }
  const pipeline::Routing& routing = *result.routing;
  add_string(routing.language);
  add_number(static_cast<float>(routing.confidence));
  add_string(pipeline::route_name(routing.route));
  if (routing.route == pipeline::Route::kTranslated) {
    add_string(routing.translation);
  } else {
    cells_.emplace_back();
  }
  if (options_.format == OutputFormat::kJsonLines) return add_json(pipeline::json_of_warnings(routing));
  std::string warnings;
  for (const std::string& warning : routing.warnings) warnings += (warnings.empty() ? "" : " ") + warning;
  add_string(warnings);
}

size_t AnswerCells::source_of(const pipeline::Result& result) const {
  const bool other = result.routing && result.routing->route == pipeline::Route::kMultilingual;
  return other ? options_.provenance.size() - 1 : 0;
}

const std::vector<Cell>& AnswerCells::of(const pipeline::Result& result, const Details& details) {
  VALENCE_CHECK(result.scores.size() == labels_.size() && static_cast<size_t>(result.label) < labels_.size());
  cells_.clear();
  switch (options_.format) {
    case OutputFormat::kJsonLines:
      json_cells(result, details);
      break;
    case OutputFormat::kTable:
      table_cells(result);
      break;
    default:
      column_cells(result);
      break;
  }
  return cells_;
}

const std::vector<size_t>& AnswerCells::ranked(const pipeline::Result& result) {
  order_.resize(labels_.size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::stable_sort(order_.begin(), order_.end(),
                   [&](size_t a, size_t b) { return result.scores[a] > result.scores[b]; });
  return order_;
}

std::string AnswerCells::scores_object(const pipeline::Result& result) {
  std::string out;
  if (options_.top_k > 0) {
    pipeline::append_scores(out, labels_, result.scores, ranked(result), ranks());
  } else {
    pipeline::append_scores(out, labels_, result.scores);
  }
  return out;
}

void AnswerCells::json_cells(const pipeline::Result& result, const Details& details) {
  const auto label = static_cast<size_t>(result.label);
  add_string(labels_[label]);
  add_number(result.scores[label]);
  add_json(scores_object(result));
  add_polarity(result.polarity);
  add_json(std::to_string(result.tokens));
  add_json(std::to_string(result.windows));
  add_json(result.truncated ? "true" : "false");
  if (options_.routes) add_routing(result);
  if (!options_.tasks.empty()) {
    std::string tasks;
    pipeline::append_tasks(tasks, options_.tasks, result.tasks);
    add_json(std::move(tasks));
  }
  if (options_.logits) {
    std::string logits;
    pipeline::append_numbers(logits, result.logits);
    add_json(std::move(logits));
  }
  if (options_.details.sentences) add_json(details.sentences);
  if (options_.details.explain) add_json(details.explanation);
  if (!provenance_json_.empty()) add_json(provenance_json_[source_of(result)]);
}

void AnswerCells::column_cells(const pipeline::Result& result) {
  const auto label = static_cast<size_t>(result.label);
  add_string(labels_[label]);
  add_number(result.scores[label]);
  add_polarity(result.polarity);
  add_json(std::to_string(result.tokens));
  add_json(std::to_string(result.windows));
  add_json(result.truncated ? "true" : "false");
  if (options_.routes) add_routing(result);
  if (options_.top_k > 0) ranked(result);
  for (size_t rank = 1; options_.top_k > 0 && rank < ranks(); ++rank) {
    add_string(labels_[order_[rank]]);
    add_number(result.scores[order_[rank]]);
  }
  if (options_.logits) {
    for (const float logit : result.logits) add_number(logit);
  }
  for (size_t k = 0; k < options_.tasks.size(); ++k) {
    const pipeline::TaskResult& task = result.tasks[k];
    const auto best = static_cast<size_t>(task.label);
    if (task.scores.empty()) {
      cells_.resize(cells_.size() + 2);
      continue;
    }
    add_string(options_.tasks[k].labels[best]);
    add_number(task.scores[best]);
  }
  if (!options_.provenance.empty()) {
    const pipeline::Provenance& from = options_.provenance[source_of(result)];
    for (const std::string* value :
         {&from.model, &from.revision, &from.sha256, &from.adapter, &from.dtype, &from.device}) {
      add_string(*value);
    }
  }
}

void AnswerCells::table_cells(const pipeline::Result& result) {
  const auto label = static_cast<size_t>(result.label);
  add_string(printable(labels_[label], 40));
  add_json(rounded("%.3f", result.scores[label]));
  const bool known = !std::isnan(result.polarity);
  add_json(known ? rounded("%+.2f", result.polarity) : "");
  std::string tokens = std::to_string(result.tokens);
  if (result.truncated) {
    tokens += " (cut)";
  } else if (result.windows > 1) {
    tokens += " (" + std::to_string(result.windows) + " windows)";
  }
  add_json(std::move(tokens));
  if (options_.routes) {
    add_string(result.routing ? result.routing->language : "");
    add_string(result.routing ? pipeline::route_name(result.routing->route) : "");
  }
  for (size_t k = 0; k < options_.tasks.size(); ++k) {
    const pipeline::TaskResult& task = result.tasks[k];
    const auto best = static_cast<size_t>(task.label);
    add_string(task.scores.empty() ? "" : printable(options_.tasks[k].labels[best], 40));
  }
  // Rounded to 0 it has no colour.
  if (known && std::abs(result.polarity) >= 0.05) cells_.front().tone = result.polarity > 0 ? 1 : -1;
}

}  // namespace valence::jobs
