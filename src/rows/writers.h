// The writers behind make_writer(); private to this room.
#pragma once

#include <string>
#include <vector>

#include "rows/row_writer.h"

namespace valence::rows {

// `name`, with valence_ in front as often as it takes to differ from all of `taken`.
std::string free_name(std::string name, const std::vector<std::string>& taken);

// The input's own columns as an output with columns has them, and their values of a row.
class OwnColumns {
 public:
  explicit OwnColumns(const RowReader& reader);
  const std::vector<std::string>& names() const { return names_; }
  int text_column() const { return text_column_; }
  bool has_line_numbers() const { return format_ == Format::kLines; }
  // One value for each name; they live as long as `row` and until the next call.
  const std::vector<std::string_view>& values(const Row& row);

 private:
  void json_values(const Row& row);

  Format format_;
  std::vector<std::string> names_;
  int text_column_;
  std::vector<std::string_view> values_;
  std::vector<std::string> unescaped_;  // of the values that had escapes
  std::string line_number_;
};

class DelimitedWriter final : public RowWriter {
 public:
  DelimitedWriter(const WriterOptions& options, const RowReader& reader, std::vector<std::string> names);
  void begin(std::string& out) override;
  void row(const Row& row, std::span<const Cell> cells, std::string& out) override;
  void end(std::string&) override {}

 private:
  void append_value(std::string_view value, std::string& out) const;
  void append_own(std::string_view value, std::string& out) const;

  bool tsv_, escape_formulas_;
  OwnColumns own_;
  std::vector<std::string> names_;
};

class JsonLinesWriter final : public RowWriter {
 public:
  JsonLinesWriter(const RowReader& reader, std::vector<std::string> names);
  void begin(std::string&) override {}
  void row(const Row& row, std::span<const Cell> cells, std::string& out) override;
  void end(std::string&) override {}

 private:
  void append_own(const Row& row, std::string& out) const;
  // Sets names_ for a row that is a JSON object.
  void name_ours(const Row& row);

  Format format_;
  std::vector<std::string> own_names_;    // of CSV columns, made unique
  std::vector<std::string> plain_names_;  // "line" and ours
  std::vector<std::string> names_;        // those without a clash
  bool renamed_ = false;                  // names_ differ from plain_names_ for the last row
};

class TableWriter final : public RowWriter {
 public:
  TableWriter(const WriterOptions& options, const RowReader& reader, std::vector<std::string> names);
  void begin(std::string&) override {}
  void row(const Row& row, std::span<const Cell> cells, std::string& out) override;
  void end(std::string& out) override;

 private:
  struct Line {
    std::vector<std::string> values;
    int tone = 0;
  };
  void show_waiting(bool more_may_follow, std::string& out);
  void choose_widths(bool more_may_follow);
  void append_line(const Line& line, bool header, std::string& out) const;

  WriterOptions options_;
  OwnColumns own_;
  std::vector<std::string> headers_;
  std::vector<size_t> widths_;  // 0: the column is not shown; empty: not chosen yet
  std::vector<Line> waiting_;
};

}  // namespace valence::rows
