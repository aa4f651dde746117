// The three readers of rows behind open_rows(); private to this room.
#pragma once

#include <string>
#include <vector>

#include "rows/dialect.h"
#include "rows/json_scan.h"
#include "rows/row_reader.h"

namespace valence::rows {

// Each line is a text. A line ends at LF or CRLF; what follows the last line end is a line if it is not
// empty.
class LineReader final : public RowReader {
 public:
  LineReader(TextSource source, const std::string& name, const ReaderOptions& options);
  bool next(Row& row) override;
};

// Texts in memory.
class TextsReader final : public RowReader {
 public:
  explicit TextsReader(std::vector<std::string> texts);
  bool next(Row& row) override;

 private:
  std::vector<std::string> texts_;
  size_t next_ = 0;
};

// CSV and TSV. An empty line is no row, unless there is only one column: then it is an empty text.
class DelimitedReader final : public RowReader {
 public:
  DelimitedReader(TextSource source, const std::string& name, const ReaderOptions& options);
  bool next(Row& row) override;

 private:
  void detect_dialect(const std::string& name);
  void read_header(const std::string& name);
  bool cut_next(Row& row);
  void skip_empty_lines();
  bool swallows_rows(std::string_view record, const Row& row) const;
  void check(Row& row) const;

  Dialect dialect_;
};

// One JSON object a line. A line of white space alone is no row.
class JsonLinesReader final : public RowReader {
 public:
  JsonLinesReader(TextSource source, const std::string& name, const ReaderOptions& options);
  bool next(Row& row) override;
  // Makes these the columns; a row with another field is then rejected. The text's field stays.
  void set_columns(std::vector<std::string> columns);

 private:
  void choose_text_field(const std::string& name, const ReaderOptions& options);
  std::vector<std::string> sample_fields();
  void check(Row& row);
  Reject find_text(Row& row);
  Reject check_fields(const Row& row) const;

  std::string text_field_;
  bool fixed_columns_ = false;
  JsonObject object_;  // of the line at hand, kept for its memory
};

// Reads the field names of all rows that are JSON objects, in the order in which they first occur.
// Errors: kBadData for more than 4096 of them.
std::vector<std::string> collect_fields(JsonLinesReader& reader);

// Rejects for what can befall a row of any format.
Reject row_too_long(size_t max_row_bytes);
Reject invalid_encoding();
Reject empty_text();

}  // namespace valence::rows
