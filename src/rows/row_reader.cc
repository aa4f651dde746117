#include "rows/row_reader.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "rows/decompress.h"
#include "rows/readers.h"
#include "rows/text_column.h"

namespace valence::rows {
namespace {

std::unique_ptr<RowReader> make_reader(std::unique_ptr<ByteSource> bytes, const std::string& name,
                                       const ReaderOptions& options) {
  TextSource source(std::move(bytes), options.encoding, options.format == Format::kJsonLines);
  switch (options.format) {
    case Format::kLines:
      return std::make_unique<LineReader>(std::move(source), name, options);
    case Format::kCsv:
    case Format::kTsv:
      return std::make_unique<DelimitedReader>(std::move(source), name, options);
    case Format::kJsonLines:
      break;
  }
  return std::make_unique<JsonLinesReader>(std::move(source), name, options);
}

// The row is its text and nothing else.
void take_whole_text(Row& row) {
  row.text = {0, row.storage.size()};
  if (!is_valid_utf8(row.storage)) {
    row.reject = invalid_encoding();
  } else if (is_blank(row.storage)) {
    row.reject = empty_text();
  }
}

}  // namespace

Format format_by_name(std::string_view name) {
  std::string plain(name);
  for (char& c : plain) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  const Compression compression = compression_by_name(plain);
  if (compression == Compression::kGzip) plain.resize(plain.size() - 3);
  if (compression == Compression::kZstd) plain.resize(plain.size() - 4);
  if (plain.ends_with(".csv")) return Format::kCsv;
  if (plain.ends_with(".tsv")) return Format::kTsv;
  if (plain.ends_with(".jsonl") || plain.ends_with(".ndjson")) return Format::kJsonLines;
  return Format::kLines;
}

std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, const ReaderOptions& options) {
  const std::string name = input_name(path);
  auto reader = make_reader(open_bytes(path), name, options);
  std::error_code ignored;
  const bool again = std::filesystem::is_regular_file(path, ignored);
  if (options.format == Format::kJsonLines && options.collect_fields && again) {
    JsonLinesReader whole(TextSource(open_bytes(path), options.encoding, true), name, options);
    static_cast<JsonLinesReader&>(*reader).set_columns(collect_fields(whole));
  }
  return reader;
}

std::unique_ptr<RowReader> open_texts(std::vector<std::string> texts) {
  return std::make_unique<TextsReader>(std::move(texts));
}

std::unique_ptr<RowReader> open_rows(std::unique_ptr<ByteSource> source, const std::string& name,
                                     const ReaderOptions& options) {
  return make_reader(std::move(source), name, options);
}

Reject row_too_long(size_t max_row_bytes) {
  return {"row_too_long", "the row is longer than " + std::to_string(max_row_bytes >> 20) + " MiB"};
}

Reject invalid_encoding() { return {"invalid_encoding", "the row is not valid text in its encoding"}; }

Reject empty_text() { return {"empty_text", "the text is empty or blank"}; }

LineReader::LineReader(TextSource source, const std::string& name, const ReaderOptions& options)
    : RowReader(std::move(source), options) {
  if (!options.text_column) return;
  throw Error(ErrorCode::kUsage, name + " is read as plain lines, which have no columns for --text-column");
}

bool LineReader::next(Row& row) {
  row = {};
  row.line = window_.position().line;
  const size_t end = window_.find_line_end(0);
  std::string_view text = window_.text();
  if (std::min(end, text.size()) > window_.max_row_bytes()) {
    row.reject = row_too_long(window_.max_row_bytes());
    window_.skip_line();
    return true;
  }
  if (text.empty()) return false;
  text = text.substr(0, end);
  row.storage = text;
  const bool ended = end != std::string_view::npos;
  window_.consume(row.storage.size() + (ended ? 1 : 0));
  if (ended && row.storage.ends_with('\r')) row.storage.pop_back();
  take_whole_text(row);
  return true;
}

TextsReader::TextsReader(std::vector<std::string> texts)
    : RowReader(TextSource(open_memory(""), std::nullopt, true), {}), texts_(std::move(texts)) {}

bool TextsReader::next(Row& row) {
  if (next_ == texts_.size()) return false;
  row = {};
  row.storage = std::move(texts_[next_++]);
  row.line = next_;
  take_whole_text(row);
  return true;
}

}  // namespace valence::rows
