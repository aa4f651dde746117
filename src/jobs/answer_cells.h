// The values of an answer as an output shows them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/batches.h"
#include "pipeline/classifier.h"
#include "rows/row_writer.h"

namespace valence::jobs {

struct AnswerOptions {
  rows::OutputFormat format = rows::OutputFormat::kJsonLines;
  bool logits = false;
  int top_k = 0;  // 0: the scores of all labels
  // Where answers come from: the model itself, then, of a classifier that routes, the multilingual one.
  // Empty: not asked.
  std::vector<pipeline::Provenance> provenance;
  std::vector<pipeline::Task> tasks = {};
  pipeline::DetailOptions details = {};
  bool routes = false;
};

// JSON Lines: label, score, scores, polarity, tokens, windows, truncated, then language, language_confidence,
// route, translation and warnings of a classifier that routes, tasks, logits, sentences, explanation and
// model. CSV and TSV: label, score, polarity, tokens, windows, truncated, and the same five; with top_k
// label_2, score_2, ... ; with logits logit_LABEL for each label; of each task TASK and TASK_score; with
// provenance model, revision, sha256, adapter, dtype, device. A table: label, score, polarity, tokens,
// rounded for people, language and route.
class AnswerCells {
 public:
  AnswerCells(AnswerOptions options, std::vector<std::string> labels);
  std::vector<std::string> names() const;
  // One for each name; valid until the next call. A polarity that is not known is null.
  const std::vector<rows::Cell>& of(const pipeline::Result& result, const Details& details = {});

 private:
  void add_string(std::string_view text);
  void add_json(std::string text);
  void add_number(float value);
  void add_polarity(double polarity);
  void add_routing(const pipeline::Result& result);
  size_t source_of(const pipeline::Result& result) const;
  void json_cells(const pipeline::Result& result, const Details& details);
  void column_cells(const pipeline::Result& result);
  void table_cells(const pipeline::Result& result);
  std::string scores_object(const pipeline::Result& result);
  // Label indices by score, the best first; equal scores in the order of id2label.
  const std::vector<size_t>& ranked(const pipeline::Result& result);
  size_t ranks() const;

  AnswerOptions options_;
  std::vector<std::string> labels_;
  std::vector<std::string> provenance_json_;
  std::vector<rows::Cell> cells_;
  std::vector<size_t> order_;
};

}  // namespace valence::jobs
