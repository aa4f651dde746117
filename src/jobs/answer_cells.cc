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
  if (options_.provenance) provenance_json_ = pipeline::json_of(*options_.provenance);
}

size_t AnswerCells::ranks() const {
  return options_.top_k <= 0 ? labels_.size() : std::min(labels_.size(), static_cast<size_t>(options_.top_k));
}

std::vector<std::string> AnswerCells::names() const {
  if (options_.format == OutputFormat::kTable) {
    std::vector<std::string> names = {"label", "score", "polarity", "tokens"};
    for (const pipeline::Task& task : options_.tasks) names.push_back(task.name);
    return names;
  }
  std::vector<std::string> names = {"label", "score"};
  const bool json = options_.format == OutputFormat::kJsonLines;
  if (json) names.push_back("scores");
  for (const char* name : {"polarity", "tokens", "windows", "truncated"}) names.push_back(name);
  if (json) {
    if (!options_.tasks.empty()) names.push_back("tasks");
    if (options_.logits) names.push_back("logits");
    if (options_.details.sentences) names.push_back("sentences");
    if (options_.details.explain) names.push_back("explanation");
    if (options_.provenance) names.push_back("model");
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
    if (options_.provenance) names.push_back(name);
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
  if (options_.provenance) add_json(provenance_json_);
}

void AnswerCells::column_cells(const pipeline::Result& result) {
  const auto label = static_cast<size_t>(result.label);
  add_string(labels_[label]);
  add_number(result.scores[label]);
  add_polarity(result.polarity);
  add_json(std::to_string(result.tokens));
  add_json(std::to_string(result.windows));
  add_json(result.truncated ? "true" : "false");
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
    add_string(options_.tasks[k].labels[best]);
    add_number(task.scores[best]);
  }
  if (options_.provenance) {
    const pipeline::Provenance& from = *options_.provenance;
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
  for (size_t k = 0; k < options_.tasks.size(); ++k) {
    const auto best = static_cast<size_t>(result.tasks[k].label);
    add_string(printable(options_.tasks[k].labels[best], 40));
  }
  // Rounded to 0 it has no colour.
  if (known && std::abs(result.polarity) >= 0.05) cells_.front().tone = result.polarity > 0 ? 1 : -1;
}

}  // namespace valence::jobs
