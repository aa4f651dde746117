#include "train/dataset.h"

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

constexpr size_t kMostLabels = 1000;

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// The cells of a row by the names of their columns: of CSV and TSV as they are, of JSON Lines their values.
class LabelCells {
 public:
  LabelCells(const rows::RowReader& reader, const std::string& file, const std::vector<std::string>& columns)
      : json_(reader.format() == rows::Format::kJsonLines), file_(file), columns_(columns) {
    if (json_) return;
    for (const std::string& column : columns) {
      const auto found = std::ranges::find(reader.columns(), column);
      if (found == reader.columns().end()) no_column(column, reader.columns());
      places_.push_back(static_cast<size_t>(found - reader.columns().begin()));
    }
  }

  // The values of one row's label columns; of a JSON list, its members.
  std::vector<std::vector<std::string>> read(const rows::Row& row) const {
    std::vector<std::vector<std::string>> cells;
    if (!json_) {
      for (const size_t place : places_) cells.push_back({std::string(row.view(row.fields[place]))});
      return cells;
    }
    for (const std::string& column : columns_) cells.push_back(json_cell(row, column));
    return cells;
  }

  std::string where(const rows::Row& row) const { return file_ + ":" + std::to_string(row.line); }

 private:
  [[noreturn]] void no_column(const std::string& column, const std::vector<std::string>& names) const {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + printable(name, 40);
    throw Error(ErrorCode::kUsage, file_ + ": there is no column " + printable(column, 60) +
                                       " for the label; the columns are " + list);
  }

  std::vector<std::string> json_cell(const rows::Row& row, const std::string& column) const {
    for (size_t k = 0; k + 1 < row.fields.size(); k += 2) {
      const Json key = Json::parse(row.view(row.fields[k]), where(row));
      if (!key.is_string() || key.as_string("") != column) continue;
      const Json value = Json::parse(row.view(row.fields[k + 1]), where(row));
      std::vector<std::string> cell;
      if (value.is_array()) {
        for (const Json& member : value.as_array("")) cell.push_back(text_of(member));
      } else if (!value.is_null()) {
        cell.push_back(text_of(value));
      }
      return cell;
    }
    throw Error(ErrorCode::kBadData, where(row) + ": the object has no field " + printable(column, 60));
  }

  static std::string text_of(const Json& value) {
    return value.is_string() ? value.as_string("") : value.dump();
  }

  const bool json_;
  const std::string file_;
  const std::vector<std::string> columns_;
  std::vector<size_t> places_;
};

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

// Cut to max_length tokens, with the special tokens at the end kept. Whether it was.
bool cut(std::vector<int32_t>& ids, int64_t max_length, const std::vector<int32_t>& suffix) {
  const auto most = static_cast<size_t>(max_length);
  if (ids.size() <= most) return false;
  ids.resize(most);
  std::ranges::copy(suffix, ids.end() - static_cast<std::ptrdiff_t>(std::min(suffix.size(), most)));
  return true;
}

}  // namespace

void Dataset::add_row(std::span<const int32_t> ids, std::vector<int32_t> labels, float number) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  begins_.push_back(ids_.size());
  labels_.push_back(std::move(labels));
  numbers_.push_back(number);
}

int32_t Dataset::label_number(const std::string& name) {
  const auto [found, added] = number_of_.emplace(name, static_cast<int32_t>(names_.size()));
  if (added) names_.push_back(name);
  return found->second;
}

void Dataset::read(const std::filesystem::path& file, const ColumnNames& columns, Problem problem,
                   const text::Tokenizer& tokenizer, int64_t max_length) {
  rows::ReaderOptions options;
  options.format = rows::format_by_name(file.string());
  if (options.format == rows::Format::kLines) options.format = rows::Format::kCsv;
  options.text_column = columns.text;
  const auto reader = rows::open_rows(file, options);
  const LabelCells cells(*reader, file.string(), columns.labels);
  const std::vector<int32_t> suffix = tokenizer.suffix_ids();
  std::vector<int32_t> ids;
  rows::Row row;
  for (uint64_t count = 0; reader->next(row); ++count) {
    if (count % 1024 == 0) check_interrupt();
    if (row.rejected()) {
      const bool empty = row.reject.reason == "empty_text" || row.reject.reason == "missing_text";
      ++(empty ? empty_texts_ : rejects_[row.reject.reason]);
      continue;
    }
    std::vector<int32_t> labels;
    float number = 0;
    const auto values = cells.read(row);
    if (problem == Problem::kMultiLabel && columns.labels.size() > 1) {
      for (size_t k = 0; k < values.size(); ++k) {
        const int32_t label = label_number(columns.labels[k]);
        if (says_yes(values[k].empty() ? "" : trimmed(values[k].front()), cells.where(row)))
          labels.push_back(label);
      }
    } else if (problem == Problem::kMultiLabel) {
      for (const std::string& cell : values.front()) {
        for (size_t begin = 0; begin <= cell.size();) {
          const size_t end = columns.separator.empty() ? cell.size()
                                                       : std::min(cell.find(columns.separator, begin), cell.size());
          const std::string name = trimmed(std::string_view(cell).substr(begin, end - begin));
          if (!name.empty()) labels.push_back(label_number(name));
          begin = end + std::max<size_t>(columns.separator.size(), 1);
        }
      }
    } else {
      const std::string value = values.front().empty() ? "" : trimmed(values.front().front());
      if (value.empty()) throw Error(ErrorCode::kBadData, cells.where(row) + ": the row has no label");
      if (problem == Problem::kRegression) {
        number = number_of(value, cells.where(row));
      } else {
        labels.push_back(label_number(value));
      }
    }
    ids.clear();
    tokenizer.encode(row.text_view(), ids);
    cut_texts_ += cut(ids, max_length, suffix);
    add_row(ids, std::move(labels), number);
  }
  if (names_.size() > kMostLabels) {
    throw Error(ErrorCode::kBadData, file.string() + ": there are " + std::to_string(names_.size()) +
                                         " different labels, expected at most " + std::to_string(kMostLabels) +
                                         ": is it another column, or a number (--problem-type regression)?");
  }
}

void Dataset::set_names(const std::vector<std::string>& names, const std::string& where) {
  std::vector<int32_t> to;
  for (const std::string& name : names_) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      throw Error(ErrorCode::kBadData, where + ": the label " + printable(name, 60) +
                                           " is not among those that are trained");
    }
    to.push_back(static_cast<int32_t>(found - names.begin()));
  }
  for (std::vector<int32_t>& labels : labels_) {
    for (int32_t& label : labels) label = to[static_cast<size_t>(label)];
  }
  names_ = names;
}

Dataset Dataset::split_off(std::span<const int64_t> rows) {
  Dataset kept, taken;
  kept.names_ = taken.names_ = names_;
  kept.number_of_ = taken.number_of_ = number_of_;
  size_t next = 0;
  for (int64_t row = 0; row < this->rows(); ++row) {
    const bool take = next < rows.size() && rows[next] == row;
    next += take;
    (take ? taken : kept).add_row(tokens(row), labels_[static_cast<size_t>(row)], number(row));
  }
  kept.empty_texts_ = empty_texts_;
  kept.cut_texts_ = cut_texts_;
  kept.rejects_ = rejects_;
  *this = std::move(kept);
  return taken;
}

}  // namespace valence::train
