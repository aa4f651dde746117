#include "train/labelled_rows.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "formats/json.h"
#include "rows/row_reader.h"

namespace valence::train {
namespace {

using formats::Json;
using models::Problem;

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::string text_of(const Json& value) { return value.is_string() ? value.as_string("") : value.dump(); }

bool says_yes(const std::string& value, const std::string& where) {
  std::string lower = value;
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  if (lower == "1" || lower == "true" || lower == "yes" || lower == "1.0") return true;
  if (lower.empty() || lower == "0" || lower == "false" || lower == "no" || lower == "0.0") return false;
  throw Error(ErrorCode::kBadData, where + ": expected 0 or 1 in a column that stands for a label");
}

float number_of(const std::string& value, const std::string& where) {
  float number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number)) {
    throw Error(ErrorCode::kBadData, where + ": the label is no number, which regression needs");
  }
  return number;
}

// What stands between separators, without the blanks around it; empty parts are left out.
void split(std::string_view cell, std::string_view separator, std::vector<std::string>& parts) {
  for (size_t begin = 0; begin <= cell.size();) {
    const size_t end = separator.empty() ? cell.size() : std::min(cell.find(separator, begin), cell.size());
    std::string part = trimmed(cell.substr(begin, end - begin));
    if (!part.empty()) parts.push_back(std::move(part));
    begin = end + std::max<size_t>(separator.size(), 1);
  }
}

}  // namespace

std::vector<std::string> skipped_rows(uint64_t empty_texts, const std::map<std::string, uint64_t>& rejects) {
  std::vector<std::string> lines;
  if (empty_texts > 0)
    lines.push_back(std::to_string(empty_texts) + " rows have an empty text and are skipped");
  for (const auto& [reason, count] : rejects)
    lines.push_back(std::to_string(count) + " rows are skipped: " + reason);
  return lines;
}

LabelledReader::LabelledReader(const std::filesystem::path& file, LabelColumns columns, Problem problem)
    : file_(file.string()),
      columns_(std::move(columns)),
      problem_(problem),
      row_(std::make_unique<rows::Row>()) {
  rows::ReaderOptions options;
  options.format = rows::format_by_name(file_);
  if (options.format == rows::Format::kLines) options.format = rows::Format::kCsv;
  options.text_column = columns_.text;
  reader_ = rows::open_rows(file, options);
  if (reader_->format() != rows::Format::kJsonLines) find_columns();
}

LabelledReader::~LabelledReader() = default;

void LabelledReader::find_columns() {
  const std::vector<std::string>& names = reader_->columns();
  for (const std::string& column : columns_.labels) {
    const auto found = std::ranges::find(names, column);
    if (found != names.end()) {
      places_.push_back(static_cast<size_t>(found - names.begin()));
      continue;
    }
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + printable(name, 40);
    throw Error(ErrorCode::kUsage, printable(file_) + ": there is no column " + printable(column, 60) +
                                       " for the label; the columns are " + list);
  }
}

std::string LabelledReader::where() const { return printable(file_) + ":" + std::to_string(row_->line); }

bool LabelledReader::next(LabelledRow& row) {
  while (reader_->next(*row_)) {
    if (++rows_ % 1024 == 0) check_interrupt();
    if (row_->rejected()) {
      const std::string& reason = row_->reject.reason;
      ++(reason == "empty_text" || reason == "missing_text" ? empty_texts_ : rejects_[reason]);
      continue;
    }
    row.text = row_->text_view();
    read_labels(row);
    return true;
  }
  return false;
}

// The values of the label columns; of a JSON list, its members.
std::vector<std::vector<std::string>> LabelledReader::cells() const {
  std::vector<std::vector<std::string>> cells;
  for (const size_t place : places_) cells.push_back({std::string(row_->view(row_->fields[place]))});
  if (!places_.empty()) return cells;
  for (const std::string& column : columns_.labels) cells.push_back(json_cell(column));
  return cells;
}

std::vector<std::string> LabelledReader::json_cell(const std::string& column) const {
  for (size_t k = 0; k + 1 < row_->fields.size(); k += 2) {
    std::string key = "\"";  // a key is kept as it was written, without its quotes
    key.append(row_->view(row_->fields[k])).append("\"");
    if (Json::parse(key, where()).as_string("") != column) continue;
    const Json value = Json::parse(row_->view(row_->fields[k + 1]), where());
    if (value.is_null()) return {};
    if (!value.is_array()) return {text_of(value)};
    std::vector<std::string> members;
    for (const Json& member : value.as_array("")) members.push_back(text_of(member));
    return members;
  }
  throw Error(ErrorCode::kBadData,
              where() + ": the object has no field " + printable(column, 60) + " for the label");
}

void LabelledReader::read_labels(LabelledRow& row) const {
  row.labels.clear();
  row.shares.clear();
  row.number = 0;
  const auto values = cells();
  if (problem_ == Problem::kMultiLabel && columns_.labels.size() > 1) return read_flags(values, row);
  if (problem_ == Problem::kMultiLabel) {
    if (!values.front().empty() && trimmed(values.front().front()).starts_with('{'))
      throw Error(ErrorCode::kBadData, where() + ": the label is an object, which multi-label does not take");
    for (const std::string& cell : values.front()) split(cell, columns_.separator, row.labels);
    return;
  }
  if (values.front().size() > 1) {
    throw Error(ErrorCode::kBadData, where() + ": the row has " + std::to_string(values.front().size()) +
                                         " labels, expected one (--problem-type multi_label_classification "
                                         "takes several)");
  }
  const std::string value = values.front().empty() ? "" : trimmed(values.front().front());
  if (value.empty()) throw Error(ErrorCode::kBadData, where() + ": the row has no label");
  if (problem_ == Problem::kRegression) {
    row.number = number_of(value, where());
  } else if (value.front() == '{') {
    read_shares(value, row);
  } else {
    row.labels.push_back(value);
  }
}

// {"negative": 0.1, "positive": 0.9}: what a teacher thinks of the text, as `scores` of valence analyze.
void LabelledReader::read_shares(const std::string& cell, LabelledRow& row) const {
  std::vector<std::pair<double, std::string>> shares;
  double sum = 0;
  const Json object = Json::parse(cell, where() + ": the label");
  for (const auto& [label, share] : object.as_object("")) {
    const double value = share.is_number() ? share.as_number("") : -1;
    if (!(value >= 0) || !std::isfinite(value)) {
      throw Error(ErrorCode::kBadData, where() +
                                           ": the label is an object, expected a share of 0 or more "
                                           "for each label");
    }
    shares.emplace_back(value, label);
    sum += value;
  }
  if (!(sum > 0) || !std::isfinite(sum)) {
    throw Error(ErrorCode::kBadData, where() + ": the label is an object without a share above 0");
  }
  std::ranges::stable_sort(shares, [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [value, label] : shares) {
    row.labels.push_back(std::move(label));
    row.shares.push_back(static_cast<float>(value / sum));
  }
}

void LabelledReader::read_flags(const std::vector<std::vector<std::string>>& cells, LabelledRow& row) const {
  for (size_t k = 0; k < cells.size(); ++k) {
    if (!cells[k].empty() && says_yes(trimmed(cells[k].front()), where()))
      row.labels.push_back(columns_.labels[k]);
  }
}

}  // namespace valence::train
