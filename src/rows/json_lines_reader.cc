#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/utf8.h"
#include "rows/readers.h"
#include "rows/text_column.h"

namespace valence::rows {
namespace {

constexpr size_t kMaxFields = 4096;
constexpr size_t kSampleRows = 1000;
constexpr size_t kSampleBytes = 256 << 10;

// Names in the order of their first occurrence.
class FieldNames {
 public:
  void add(std::string_view line, const JsonObject& object) {
    for (size_t i = 0; i < object.fields.size(); i += 2) {
      std::string name;
      append_unescaped(line.substr(object.fields[i].begin, object.fields[i].size), name);
      if (seen_.insert(name).second) names_.push_back(std::move(name));
    }
    if (names_.size() > kMaxFields) {
      throw Error(ErrorCode::kBadData, "the objects have more than " + std::to_string(kMaxFields) +
                                           " different fields; write --format jsonl");
    }
  }
  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
  std::unordered_set<std::string> seen_;
};

bool is_white(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

Reject missing_text(const std::string& field) {
  return {"missing_text", "the object has no field '" + printable(field) + "'"};
}

}  // namespace

JsonLinesReader::JsonLinesReader(TextSource source, const std::string& name, const ReaderOptions& options)
    : RowReader(std::move(source), options) {
  choose_text_field(name, options);
}

// The sample is enough to choose a field by number or by default; a field that is named may be a rare one.
void JsonLinesReader::choose_text_field(const std::string& name, const ReaderOptions& options) {
  std::vector<std::string> fields = sample_fields();
  const auto& wanted = options.text_column;
  const bool present = wanted && std::find(fields.begin(), fields.end(), *wanted) != fields.end();
  const bool is_number = wanted && wanted->find_first_not_of("0123456789") == std::string::npos;
  if (fields.empty() || present || (wanted && !is_number)) {
    text_field_ = wanted.value_or(default_text_columns().front());
  } else {
    text_field_ = fields[static_cast<size_t>(choose_text_column(fields, wanted, name))];
  }
  if (options.collect_fields) set_columns(std::move(fields));
}

// Looks at the first lines without consuming them.
std::vector<std::string> JsonLinesReader::sample_fields() {
  FieldNames names;
  size_t begin = 0;
  for (size_t rows = 0; rows < kSampleRows && begin < kSampleBytes; ++rows) {
    const size_t end = window_.find_line_end(begin);
    const std::string_view text = window_.text();
    if (begin >= text.size()) break;
    const std::string_view line = text.substr(begin, end - begin);
    if (line.size() <= window_.max_row_bytes() && !scan_json_object(line, object_).reason.size())
      names.add(line, object_);
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  return names.take();
}

void JsonLinesReader::set_columns(std::vector<std::string> columns) {
  columns_ = std::move(columns);
  const auto found = std::find(columns_.begin(), columns_.end(), text_field_);
  if (found == columns_.end()) {
    text_column_ = static_cast<int>(columns_.size());
    columns_.push_back(text_field_);
  } else {
    text_column_ = static_cast<int>(found - columns_.begin());
  }
  fixed_columns_ = true;
}

bool JsonLinesReader::next(Row& row) {
  while (true) {
    row = {};
    row.line = window_.position().line;
    const size_t end = window_.find_line_end(0);
    const std::string_view text = window_.text();
    if (std::min(end, text.size()) > window_.max_row_bytes()) {
      row.reject = row_too_long(window_.max_row_bytes());
      window_.skip_line();
      return true;
    }
    if (text.empty()) return false;
    row.storage = text.substr(0, end);
    window_.consume(row.storage.size() + (end != std::string_view::npos ? 1 : 0));
    if (is_white(row.storage)) continue;
    check(row);
    return true;
  }
}

void JsonLinesReader::check(Row& row) {
  if (!is_valid_utf8(row.storage)) {
    row.reject = invalid_encoding();
    return;
  }
  row.reject = scan_json_object(row.storage, object_);
  if (row.rejected()) return;
  row.fields = object_.fields;
  row.members = object_.members;
  row.reject = find_text(row);
  if (!row.rejected() && fixed_columns_) row.reject = check_fields(row);
}

Reject JsonLinesReader::find_text(Row& row) {
  for (size_t i = 0; i < row.fields.size(); i += 2) {
    const std::string_view raw_key = row.view(row.fields[i]);
    std::string key;
    if (raw_key.find('\\') != std::string_view::npos) append_unescaped(raw_key, key);
    if (raw_key != text_field_ && key != text_field_) continue;
    Span value = row.fields[i + 1];
    if (row.view(value).front() != '"') return {"not_text", "the text is not a JSON string"};
    value = {value.begin + 1, value.size - 2};
    row.text = value;
    if (row.view(value).find('\\') != std::string_view::npos) {
      std::string text;
      if (!append_unescaped(row.view(value), text)) return invalid_encoding();
      row.text = {row.storage.size(), text.size()};
      row.storage += text;
    }
    return is_blank(row.text_view()) ? empty_text() : Reject{};
  }
  return missing_text(text_field_);
}

Reject JsonLinesReader::check_fields(const Row& row) const {
  std::string name;
  for (size_t i = 0; i < row.fields.size(); i += 2) {
    name.clear();
    append_unescaped(row.view(row.fields[i]), name);
    if (std::find(columns_.begin(), columns_.end(), name) == columns_.end()) {
      return {"unknown_field", "the object has a field that the first rows have not; write --format jsonl"};
    }
  }
  return {};
}

std::vector<std::string> collect_fields(JsonLinesReader& reader) {
  FieldNames names;
  Row row;
  JsonObject object;
  while (reader.next(row)) {
    if (row.fields.empty()) continue;
    object.fields = row.fields;
    names.add(row.storage, object);
  }
  return names.take();
}

}  // namespace valence::rows
