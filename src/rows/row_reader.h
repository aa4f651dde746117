// Rows of plain lines, CSV, TSV and JSON Lines, in bounded memory.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rows/byte_source.h"
#include "rows/encoding.h"
#include "rows/input_window.h"
#include "rows/row.h"

namespace valence::rows {

enum class Format { kLines, kCsv, kTsv, kJsonLines };

// By the ending .csv, .tsv, .jsonl or .ndjson, before .gz or .zst, in any case; plain lines otherwise.
Format format_by_name(std::string_view name);

struct ReaderOptions {
  Format format = Format::kLines;
  // The column or field that holds the text: its name, else its number from 1. Absent: the only column, else
  // the first of default_text_columns() that there is.
  std::optional<std::string> text_column;
  std::optional<Encoding> encoding;  // absent: detected
  bool keep_checksum = false;        // Position::checksum is wanted
  // A longer row is rejected: what memory an unclosed quote or a file without line ends can take.
  size_t max_row_bytes = size_t{128} << 20;
  // JSON Lines: find the fields of all rows, for an output that needs them as columns. Reads a named file
  // to its end beforehand; of another source, the rows of its beginning.
  bool collect_fields = false;
};

// text, review, comment, ... in the order of preference; compared without regard to case.
const std::vector<std::string>& default_text_columns();

class RowReader {
 public:
  virtual ~RowReader() = default;
  // The next row, rejected ones included; false at the end. `row` is overwritten. Errors: those of the
  // source.
  virtual bool next(Row& row) = 0;

  // Names of the input's own columns; of plain lines none. JSON Lines: the fields when they were collected.
  const std::vector<std::string>& columns() const { return columns_; }
  // Index of the text in columns(), -1 where there are none.
  int text_column() const { return text_column_; }
  Format format() const { return format_; }

  // The place behind the last row, and going on at such a place (before the first next()).
  Position position() const { return window_.position(); }
  void skip_to(const Position& position) { window_.skip_to(position); }
  Encoding encoding() const { return window_.source().encoding(); }
  // Bytes of the file read so far, and in all (0: unknown).
  uint64_t bytes_taken() const { return window_.source().bytes().taken(); }
  uint64_t bytes_total() const { return window_.source().bytes().total(); }

 protected:
  RowReader(TextSource source, const ReaderOptions& options)
      : format_(options.format), window_(std::move(source), options.max_row_bytes) {
    if (options.keep_checksum) window_.keep_checksum();
  }

  Format format_;
  InputWindow window_;
  std::vector<std::string> columns_;
  int text_column_ = -1;
};

// Reads as far as it needs to know columns and dialect. Errors: those of open_bytes; kBadData for a CSV or
// TSV without a header; kUsage for a text column that does not exist, or must be named and is not.
std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, const ReaderOptions& options);
// The same for another source; `name` is for messages.
std::unique_ptr<RowReader> open_rows(std::unique_ptr<ByteSource> source, const std::string& name,
                                     const ReaderOptions& options);

// Texts of the program itself, each a row of plain lines whatever line ends it holds.
std::unique_ptr<RowReader> open_texts(std::vector<std::string> texts);

}  // namespace valence::rows
