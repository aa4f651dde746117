#include <algorithm>
#include <charconv>

#include "rows/writers.h"

namespace valence::rows {
namespace {

bool is_number(std::string_view value) {
  if (value.starts_with('+')) value.remove_prefix(1);
  double ignored = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ignored);
  return error == std::errc() && end == value.data() + value.size();
}

// Spreadsheets run what begins so (OWASP, "CSV injection"); a plain number is harmless.
bool is_formula(std::string_view value) {
  return !value.empty() && std::string_view("=+-@\t\r\n").find(value.front()) != std::string_view::npos &&
         !is_number(value);
}

// RFC 4180: what holds a delimiter, a quote or a line end stands in quotes.
void append_csv(std::string_view value, std::string& out) {
  const bool plain = std::none_of(value.begin(), value.end(),
                                  [](char c) { return c == ',' || c == '"' || c == '\r' || c == '\n'; });
  if (plain) {
    out += value;
    return;
  }
  out += '"';
  while (true) {
    const size_t quote = value.find('"');
    out += value.substr(0, quote);
    if (quote == std::string_view::npos) break;
    out += "\"\"";
    value.remove_prefix(quote + 1);
  }
  out += '"';
}

void append_tsv(std::string_view value, std::string& out) {
  for (const char c : value) out += c == '\t' || c == '\n' || c == '\r' ? ' ' : c;
}

}  // namespace

DelimitedWriter::DelimitedWriter(const WriterOptions& options, const RowReader& reader,
                                 std::vector<std::string> names)
    : tsv_(options.format == OutputFormat::kTsv), escape_formulas_(options.escape_formulas), own_(reader) {
  for (std::string& name : names) names_.push_back(free_name(std::move(name), own_.names()));
}

void DelimitedWriter::append_value(std::string_view value, std::string& out) const {
  tsv_ ? append_tsv(value, out) : append_csv(value, out);
}

void DelimitedWriter::append_own(std::string_view value, std::string& out) const {
  if (escape_formulas_ && is_formula(value)) {
    append_value(std::string("'").append(value), out);
  } else {
    append_value(value, out);
  }
}

void DelimitedWriter::begin(std::string& out) {
  for (const std::string& name : own_.names()) {
    append_own(name, out);
    out += tsv_ ? '\t' : ',';
  }
  for (size_t i = 0; i < names_.size(); ++i) {
    if (i > 0) out += tsv_ ? '\t' : ',';
    append_value(names_[i], out);
  }
  out += '\n';
}

void DelimitedWriter::row(const Row& row, std::span<const Cell> cells, std::string& out) {
  const char delimiter = tsv_ ? '\t' : ',';
  for (const std::string_view value : own_.values(row)) {
    append_own(value, out);
    out += delimiter;
  }
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += delimiter;
    // Labels come from a model's configuration, which is no more trusted than the input.
    cells[i].kind == Cell::Kind::kString ? append_own(cells[i].text, out) : append_value(cells[i].text, out);
  }
  out += '\n';
}

}  // namespace valence::rows
