#include "rows/column_values.h"

#include <optional>

#include "base/error.h"
#include "rows/json_scan.h"
#include "rows/text_column.h"

namespace valence::rows {

ColumnValues::ColumnValues(const RowReader& reader, const std::vector<std::string>& names,
                           const std::string& option)
    : json_(reader.format() == Format::kJsonLines), names_(names) {
  if (reader.format() == Format::kLines)
    throw Error(ErrorCode::kUsage, option + ": plain lines have no columns");
  if (json_) return;  // columns differ from row to row
  for (const std::string& name : names_)
    places_.push_back(
        static_cast<size_t>(choose_text_column(reader.columns(), name, option + ": the input")));
}

std::vector<std::string> ColumnValues::of(const Row& row) const {
  std::vector<std::string> values;
  for (const size_t place : places_) values.emplace_back(row.view(row.fields[place]));
  for (const std::string& name : names_) {
    if (json_) values.push_back(field(row, name));
  }
  return values;
}

// As a CSV's columns are found: by the very name, by one that differs in case, by number.
std::string ColumnValues::field(const Row& row, const std::string& name) const {
  std::vector<std::string> fields;
  for (size_t k = 0; k + 1 < row.fields.size(); k += 2) {
    fields.emplace_back();
    append_unescaped(row.view(row.fields[k]), fields.back());
  }
  const std::optional<size_t> place = find_column(fields, name);
  if (!place) return "";
  found_ = true;
  const std::string_view value = row.view(row.fields[2 * *place + 1]);
  if (value == "null") return "";
  if (!value.starts_with('"')) return std::string(value);
  std::string text;
  append_unescaped(value.substr(1, value.size() - 2), text);
  return text;
}

}  // namespace valence::rows
