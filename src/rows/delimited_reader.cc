#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "rows/readers.h"
#include "rows/text_column.h"

namespace valence::rows {

DelimitedReader::DelimitedReader(TextSource source, const std::string& name, const ReaderOptions& options)
    : RowReader(std::move(source), options) {
  window_.more();
  if (format_ == Format::kTsv) {
    dialect_ = {'\t', false};
  } else {
    detect_dialect(name);
  }
  read_header(name);
  text_column_ = choose_text_column(columns_, options.text_column, name);
}

void DelimitedReader::detect_dialect(const std::string& name) {
  const std::string_view sample = window_.text();
  const size_t carriage_return = sample.find('\r');
  const bool inside = carriage_return != std::string_view::npos && carriage_return + 1 < sample.size();
  if (inside && sample.find('\n') == std::string_view::npos) {
    throw Error(ErrorCode::kBadData, name + " ends its lines with CR alone; expected LF or CRLF");
  }
  // What Excel writes to name its delimiter.
  if (sample.starts_with("sep=") && sample.size() > 5 && (sample[5] == '\n' || sample[5] == '\r')) {
    dialect_.delimiter = sample[4];
    window_.skip_line();
    return;
  }
  // The sample is one block; a file that is smaller is all there.
  dialect_.delimiter = detect_delimiter(sample, sample.find('\n') == std::string_view::npos);
}

void DelimitedReader::read_header(const std::string& name) {
  Row row;
  if (!cut_next(row)) {
    throw Error(ErrorCode::kBadData, name + " is empty; expected a header with the names of the columns");
  }
  if (row.rejected() || !is_valid_utf8(row.storage)) {
    const std::string why = row.rejected() ? row.reject.message : invalid_encoding().message;
    throw Error(ErrorCode::kBadData, name + " has a header that cannot be read: " + why);
  }
  for (const Span field : row.fields) columns_.emplace_back(row.view(field));
}

bool DelimitedReader::next(Row& row) {
  row = {};
  if (!cut_next(row)) return false;
  if (!row.rejected()) check(row);
  return true;
}

void DelimitedReader::skip_empty_lines() {
  while (true) {
    const std::string_view text = window_.text();
    const size_t size = text.starts_with('\n') ? 1 : text.starts_with("\r\n") ? 2 : 0;
    if (size == 0) return;
    window_.consume(size);
  }
}

// Cuts the record at the front of the window and consumes it; false at the end of the input.
bool DelimitedReader::cut_next(Row& row) {
  bool last = false;
  while (true) {
    if (columns_.size() != 1) skip_empty_lines();
    row.line = window_.position().line;
    const std::string_view text = window_.text();
    if (text.empty() && last) return false;
    if (!text.empty()) {
      row.fields.clear();
      row.storage.clear();
      size_t used = 0;
      const RecordEnd end = cut_record(text, last, dialect_, row.fields, row.storage, used);
      const bool complete = end == RecordEnd::kComplete;
      if (complete && !swallows_rows(text.substr(0, used), row)) {
        if (used > window_.max_row_bytes()) row.reject = row_too_long(window_.max_row_bytes());
        window_.consume(used);
        return true;
      }
      if (complete || end == RecordEnd::kStrayQuote || last || text.size() > window_.max_row_bytes()) {
        // An unclosed quote costs its own line only: the rows behind it are read as if it were not there.
        row.reject = end == RecordEnd::kCutInField
                         ? row_too_long(window_.max_row_bytes())
                         : Reject{"unterminated_quote", "a quoted field has no end"};
        window_.skip_line();
        return true;
      }
    }
    // Doubling what is looked at keeps the time of a long record linear.
    const size_t wanted = 2 * text.size() + 1;
    while (!last && window_.text().size() < wanted) last = !window_.more();
  }
}

// Does a quote in the first line of `record`, cut into `row`, seem to have been closed by one of another row?
// The record then has the wrong number of fields, and its second line alone has the right one.
bool DelimitedReader::swallows_rows(std::string_view record, const Row& row) const {
  if (columns_.size() < 2 || row.fields.size() == columns_.size()) return false;
  const size_t line_end = std::min(record.find('\n'), record.size() - 1);
  std::vector<Span> fields;
  std::string storage;
  size_t used = 0;
  const RecordEnd end = cut_record(record.substr(line_end + 1), true, dialect_, fields, storage, used);
  return end == RecordEnd::kComplete && fields.size() == columns_.size();
}

void DelimitedReader::check(Row& row) const {
  if (row.fields.size() != columns_.size()) {
    row.reject = {"wrong_field_count", "expected " + std::to_string(columns_.size()) + " fields, got " +
                                           std::to_string(row.fields.size())};
    return;
  }
  row.text = row.fields[static_cast<size_t>(text_column_)];
  if (!is_valid_utf8(row.storage)) {
    row.reject = invalid_encoding();
  } else if (is_blank(row.text_view())) {
    row.reject = empty_text();
  }
}

}  // namespace valence::rows
