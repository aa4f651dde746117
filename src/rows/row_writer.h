// Rows with their answers as CSV, TSV, JSON Lines or a table for people.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rows/row.h"
#include "rows/row_reader.h"

namespace valence::rows {

enum class OutputFormat { kTable, kCsv, kTsv, kJsonLines };

// "table", "csv", "tsv", "jsonl".
std::string_view name_of(OutputFormat format);
// By the ending of a file's name; nothing for an unknown one. A .gz or .zst behind it is looked through.
std::optional<OutputFormat> output_format_by_name(std::string_view name);

// One of our values.
struct Cell {
  enum class Kind { kString, kJson, kNull };  // kJson: a number, true or false, a list, an object
  Kind kind = Kind::kNull;
  std::string text;
  int tone = 0;  // -1, 0, 1: the colour of a table's cell
};

struct WriterOptions {
  OutputFormat format = OutputFormat::kJsonLines;
  // CSV and TSV: a value of the input that a spreadsheet would run as a formula gets a ' in front.
  bool escape_formulas = false;
  size_t table_width = 100;  // in terminal cells
  bool color = false;
};

// Appends rows to a string; the caller writes it where it belongs.
//
// The input's own columns come first, unchanged and in order. JSON Lines repeats the members of a JSON object
// as they were written, makes a string of each CSV value and gives plain lines no member; then follow `line`
// and our fields. CSV and TSV have a header; plain lines give the columns line and text; a JSON string is
// unescaped, null is empty, any other JSON value stays as it was written. TSV has no quotes: a tab or line
// end in a value becomes a space. A name of ours that the row has already gets the prefix valence_, as often
// as needed. Lines end with LF.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  virtual void begin(std::string& out) = 0;
  // `cells` has one value for each name given to make_writer.
  virtual void row(const Row& row, std::span<const Cell> cells, std::string& out) = 0;
  virtual void end(std::string& out) = 0;
};

// `names` are those of our values. A table keeps its first rows back, to choose the widths of its columns, so
// only end() makes it complete.
std::unique_ptr<RowWriter> make_writer(const WriterOptions& options, const RowReader& reader,
                                       std::vector<std::string> names);

// {"line":N,"reason":"…","message":"…"} and a line feed.
void append_reject(const Row& row, std::string& out);

}  // namespace valence::rows
