#include "pipeline/answer_json.h"

#include <utility>

#include "formats/json.h"

namespace valence::pipeline {

using formats::append_json_number;
using formats::append_json_string;

void append_scores(std::string& out, const std::vector<std::string>& labels, std::span<const float> scores,
                   std::span<const size_t> order, size_t count) {
  out += '{';
  for (size_t rank = 0; rank < count; ++rank) {
    if (rank > 0) out += ',';
    append_json_string(out, labels[order[rank]]);
    out += ':';
    append_json_number(out, scores[order[rank]]);
  }
  out += '}';
}

void append_scores(std::string& out, const std::vector<std::string>& labels, std::span<const float> scores) {
  out += '{';
  for (size_t label = 0; label < labels.size(); ++label) {
    if (label > 0) out += ',';
    append_json_string(out, labels[label]);
    out += ':';
    append_json_number(out, scores[label]);
  }
  out += '}';
}

void append_label(std::string& out, const std::vector<std::string>& labels, const Result& result) {
  const auto best = static_cast<size_t>(result.label);
  out += "\"label\":";
  append_json_string(out, labels[best]);
  out += ",\"score\":";
  append_json_number(out, result.scores[best]);
  out += ",\"scores\":";
  append_scores(out, labels, result.scores);
}

void append_tasks(std::string& out, const std::vector<Task>& tasks, const std::vector<TaskResult>& results) {
  out += '{';
  bool first = true;
  for (size_t k = 0; k < tasks.size(); ++k) {
    const TaskResult& answer = results[k];
    if (answer.scores.empty()) continue;
    if (!first) out += ',';
    first = false;
    const auto best = static_cast<size_t>(answer.label);
    append_json_string(out, tasks[k].name);
    out += ":{\"label\":";
    append_json_string(out, tasks[k].labels[best]);
    out += ",\"score\":";
    append_json_number(out, answer.scores[best]);
    out += ",\"scores\":";
    append_scores(out, tasks[k].labels, answer.scores);
    out += '}';
  }
  out += '}';
}

void append_numbers(std::string& out, std::span<const float> values) {
  out += '[';
  for (size_t k = 0; k < values.size(); ++k) {
    if (k > 0) out += ',';
    append_json_number(out, values[k]);
  }
  out += ']';
}

std::string json_of(const Provenance& provenance) {
  const std::pair<const char*, const std::string&> members[] = {
      {"name", provenance.model},      {"revision", provenance.revision}, {"sha256", provenance.sha256},
      {"adapter", provenance.adapter}, {"dtype", provenance.dtype},       {"device", provenance.device}};
  std::string out;
  for (const auto& [name, value] : members) {
    out += out.empty() ? '{' : ',';
    append_json_string(out, name);
    out += ':';
    if (value.empty()) {
      out += "null";
    } else {
      append_json_string(out, value);
    }
  }
  return out + "}";
}

}  // namespace valence::pipeline
