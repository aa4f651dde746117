// The parts of an answer as JSON, the same in files and over HTTP.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/classifier.h"

namespace valence::pipeline {

// {"LABEL":score,...} of the first `count` labels in the order of `order`.
void append_scores(std::string& out, const std::vector<std::string>& labels, std::span<const float> scores,
                   std::span<const size_t> order, size_t count);
// The same in the order of id2label.
void append_scores(std::string& out, const std::vector<std::string>& labels, std::span<const float> scores);

// "label":L,"score":S,"scores":{...} of a text.
void append_label(std::string& out, const std::vector<std::string>& labels, const Result& result);

// {"TASK":{"label","score","scores"},...} of the tasks that were answered.
void append_tasks(std::string& out, const std::vector<Task>& tasks, const std::vector<TaskResult>& results);

// [logit,...]
void append_numbers(std::string& out, std::span<const float> values);

// {"name","revision","sha256","adapter","dtype","device"}; null for what is not known.
std::string json_of(const Provenance& provenance);

}  // namespace valence::pipeline
