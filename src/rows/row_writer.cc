#include "rows/row_writer.h"

#include <algorithm>
#include <unordered_set>

#include "formats/json.h"
#include "rows/decompress.h"
#include "rows/json_scan.h"
#include "rows/writers.h"

namespace valence::rows {

std::string_view name_of(OutputFormat format) {
  switch (format) {
    case OutputFormat::kTable:
      return "table";
    case OutputFormat::kCsv:
      return "csv";
    case OutputFormat::kTsv:
      return "tsv";
    case OutputFormat::kJsonLines:
      return "jsonl";
  }
  return "";
}

std::optional<OutputFormat> output_format_by_name(std::string_view name) {
  switch (format_by_name(name)) {
    case Format::kCsv:
      return OutputFormat::kCsv;
    case Format::kTsv:
      return OutputFormat::kTsv;
    case Format::kJsonLines:
      return OutputFormat::kJsonLines;
    case Format::kLines:
      break;
  }
  return std::nullopt;
}

std::unique_ptr<RowWriter> make_writer(const WriterOptions& options, const RowReader& reader,
                                       std::vector<std::string> names) {
  switch (options.format) {
    case OutputFormat::kTable:
      return std::make_unique<TableWriter>(options, reader, std::move(names));
    case OutputFormat::kCsv:
    case OutputFormat::kTsv:
      return std::make_unique<DelimitedWriter>(options, reader, std::move(names));
    case OutputFormat::kJsonLines:
      break;
  }
  return std::make_unique<JsonLinesWriter>(reader, std::move(names));
}

void append_reject(const Row& row, std::string& out) {
  out += "{\"line\":" + std::to_string(row.line) + ",\"reason\":";
  formats::append_json_string(out, row.reject.reason);
  out += ",\"message\":";
  formats::append_json_string(out, row.reject.message);
  out += "}\n";
}

std::string free_name(std::string name, const std::vector<std::string>& taken) {
  while (std::find(taken.begin(), taken.end(), name) != taken.end()) name.insert(0, "valence_");
  return name;
}

OwnColumns::OwnColumns(const RowReader& reader)
    : format_(reader.format()), names_(reader.columns()), text_column_(reader.text_column()) {
  if (format_ == Format::kLines) {
    names_ = {"line", "text"};
    text_column_ = 1;
  }
}

const std::vector<std::string_view>& OwnColumns::values(const Row& row) {
  values_.clear();
  if (format_ == Format::kLines) {
    line_number_ = std::to_string(row.line);
    values_ = {line_number_, row.text_view()};
  } else if (format_ == Format::kJsonLines) {
    json_values(row);
  } else {
    for (const Span field : row.fields) values_.push_back(row.view(field));
  }
  return values_;
}

void OwnColumns::json_values(const Row& row) {
  values_.assign(names_.size(), {});
  unescaped_.clear();
  unescaped_.reserve(row.fields.size());  // the views stay valid while it grows
  size_t guess = 0;                       // the fields mostly come in the columns' order
  for (size_t i = 0; i < row.fields.size(); i += 2) {
    std::string key;
    append_unescaped(row.view(row.fields[i]), key);
    if (guess >= names_.size() || names_[guess] != key) {
      guess = static_cast<size_t>(std::find(names_.begin(), names_.end(), key) - names_.begin());
    }
    if (guess == names_.size()) continue;
    std::string_view value = row.view(row.fields[i + 1]);
    if (value == "null") value = {};
    if (value.starts_with('"')) {
      value = value.substr(1, value.size() - 2);
      if (value.find('\\') != std::string_view::npos) {
        append_unescaped(value, unescaped_.emplace_back());
        value = unescaped_.back();
      }
    }
    values_[guess++] = value;
  }
}

JsonLinesWriter::JsonLinesWriter(const RowReader& reader, std::vector<std::string> names)
    : format_(reader.format()), plain_names_{std::string("line")} {
  plain_names_.insert(plain_names_.end(), std::make_move_iterator(names.begin()),
                      std::make_move_iterator(names.end()));
  if (format_ != Format::kJsonLines) {
    // Two columns of one name would be a repeated key: the second becomes name_2.
    std::unordered_set<std::string> taken(reader.columns().begin(), reader.columns().end());
    std::unordered_set<std::string> used;
    for (std::string name : reader.columns()) {
      if (used.contains(name)) {
        size_t n = 2;
        while (taken.contains(name + '_' + std::to_string(n))) ++n;
        name += '_';
        name += std::to_string(n);
        taken.insert(name);
      }
      used.insert(name);
      own_names_.push_back(std::move(name));
    }
  }
  for (const std::string& name : plain_names_) names_.push_back(free_name(name, own_names_));
}

void JsonLinesWriter::row(const Row& row, std::span<const Cell> cells, std::string& out) {
  out += '{';
  if (format_ == Format::kJsonLines) {
    out += row.view(row.members);
    out += ',';
    name_ours(row);
  } else {
    append_own(row, out);
  }
  formats::append_json_string(out, names_.front());
  out += ':';
  out += std::to_string(row.line);
  for (size_t i = 0; i < cells.size(); ++i) {
    out += ',';
    formats::append_json_string(out, names_[i + 1]);
    out += ':';
    switch (cells[i].kind) {
      case Cell::Kind::kString:
        formats::append_json_string(out, cells[i].text);
        break;
      case Cell::Kind::kJson:
        out += cells[i].text;
        break;
      case Cell::Kind::kNull:
        out += "null";
        break;
    }
  }
  out += "}\n";
}

void JsonLinesWriter::append_own(const Row& row, std::string& out) const {
  for (size_t i = 0; i < own_names_.size(); ++i) {
    formats::append_json_string(out, own_names_[i]);
    out += ':';
    formats::append_json_string(out, row.view(row.fields[i]));
    out += ',';
  }
}

void JsonLinesWriter::name_ours(const Row& row) {
  const auto is_ours = [&](std::string_view key) {
    return std::find(plain_names_.begin(), plain_names_.end(), key) != plain_names_.end();
  };
  bool clash = false;
  for (size_t i = 0; i < row.fields.size(); i += 2) {
    const std::string_view key = row.view(row.fields[i]);
    clash = clash || key.find('\\') != std::string_view::npos || is_ours(key);
  }
  if (!clash && !renamed_) return;
  renamed_ = clash;
  std::vector<std::string> keys;
  for (size_t i = 0; i < row.fields.size(); i += 2) {
    append_unescaped(row.view(row.fields[i]), keys.emplace_back());
  }
  for (size_t i = 0; i < plain_names_.size(); ++i) names_[i] = free_name(plain_names_[i], keys);
}

}  // namespace valence::rows
