// Texts with their labels from the files that users have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/config.h"

namespace valence::rows {
class RowReader;
struct Row;
}  // namespace valence::rows

namespace valence::train {

struct LabelColumns {
  std::optional<std::string> text;  // absent: as valence analyze finds it
  // One: the label. Several, for multi-label: each is a label, and a value of 1, true or yes says that a row
  // has it.
  std::vector<std::string> labels;
  std::string separator;  // between the labels of one cell; multi-label
};

struct LabelledRow {
  std::string_view text;            // valid UTF-8, not blank; until the next row is read
  std::vector<std::string> labels;  // one, or of multi-label any number; none of regression
  // Of a single-label row whose cell is a JSON object: the share of each of `labels`, the largest first,
  // sum 1.
  std::vector<float> shares;
  float number = 0;  // of regression
};

// What is said of rows that were left out, a line each.
std::vector<std::string> skipped_rows(uint64_t empty_texts, const std::map<std::string, uint64_t>& rejects);

class LabelledReader {
 public:
  // CSV, TSV and JSON Lines, compressed or not. Errors: those of rows::open_rows; kUsage for a label column
  // that does not exist.
  LabelledReader(const std::filesystem::path& file, LabelColumns columns, models::Problem problem);
  ~LabelledReader();

  // The next row with a text; false at the end. Errors: those of reading; kBadData, naming the line, for a
  // row without a label or with one that is no number where the problem is regression.
  bool next(LabelledRow& row);

  uint64_t empty_texts() const { return empty_texts_; }
  // Rows that could not be read by their reason (rows::Reject), without those of empty texts.
  const std::map<std::string, uint64_t>& rejects() const { return rejects_; }

 private:
  void find_columns();
  std::vector<std::vector<std::string>> cells() const;
  std::vector<std::string> json_cell(const std::string& column) const;
  std::string where() const;
  void read_labels(LabelledRow& row) const;
  void read_shares(const std::string& cell, LabelledRow& row) const;
  void read_flags(const std::vector<std::vector<std::string>>& cells, LabelledRow& row) const;

  const std::string file_;
  const LabelColumns columns_;
  const models::Problem problem_;
  std::unique_ptr<rows::RowReader> reader_;
  std::unique_ptr<rows::Row> row_;
  std::vector<size_t> places_;  // of the label columns; JSON Lines: none
  uint64_t empty_texts_ = 0, rows_ = 0;
  std::map<std::string, uint64_t> rejects_;
};

}  // namespace valence::train
