#include "rows/dialect.h"

#include <algorithm>

namespace valence::rows {
namespace {

constexpr size_t kSampleRecords = 200;

// The offset of the delimiter or line feed at or after `at`; the text's size when there is none.
size_t find_field_end(std::string_view text, size_t at, char delimiter) {
  while (at < text.size() && text[at] != delimiter && text[at] != '\n') ++at;
  return at;
}

// One field that begins with a quote, at `at`, which moves behind it.
RecordEnd cut_quoted(std::string_view text, size_t& at, char delimiter, std::string& storage) {
  const size_t begin = at++;
  while (true) {
    const size_t quote = text.find('"', at);
    if (quote == std::string_view::npos) return RecordEnd::kCutInQuotes;
    storage.append(text.substr(at, quote - at));
    at = quote + 1;
    if (at >= text.size() || text[at] != '"') break;
    storage += '"';
    ++at;
  }
  const size_t end = find_field_end(text, at, delimiter);
  const std::string_view behind = text.substr(at, end - at);
  const bool only_space = behind.find_first_not_of(" \t\r") == std::string_view::npos;
  if (!only_space && text.substr(begin, at - begin).find('\n') != std::string_view::npos) {
    return RecordEnd::kStrayQuote;
  }
  storage.append(behind);
  at = end;
  return RecordEnd::kComplete;
}

// A record without quotes: the text up to the line end, cut at each delimiter.
void cut_plain(std::string_view record, char delimiter, std::vector<Span>& fields, std::string& storage) {
  const size_t base = storage.size();
  storage.append(record);
  size_t begin = 0;
  while (true) {
    const size_t end = std::min(record.find(delimiter, begin), record.size());
    fields.push_back({base + begin, end - begin});
    if (end == record.size()) return;
    begin = end + 1;
  }
}

// How well a delimiter cuts the sample: the share of records with as many fields as the header, and those.
struct Merit {
  double agreement = 0;
  size_t columns = 0;
};

Merit merit_of(char delimiter, std::string_view sample, bool last) {
  const Dialect dialect{delimiter, true};
  std::vector<Span> fields;
  std::string storage;
  size_t records = 0, agreeing = 0, used = 0;
  Merit merit;
  while (!sample.empty() && records < kSampleRecords) {
    fields.clear();
    storage.clear();
    const RecordEnd end = cut_record(sample, last, dialect, fields, storage, used);
    if (end == RecordEnd::kCutInField) break;
    if (end != RecordEnd::kComplete) {  // an unclosed quote costs its line, as in the reader
      sample.remove_prefix(std::min(sample.find('\n'), sample.size() - 1) + 1);
      continue;
    }
    sample.remove_prefix(used);
    if (merit.columns == 0) {
      merit.columns = fields.size();
    } else if (!storage.empty() || fields.size() > 1) {  // an empty line says nothing
      ++records;
      agreeing += fields.size() == merit.columns;
    }
  }
  merit.agreement = records > 0 ? static_cast<double>(agreeing) / static_cast<double>(records) : 1;
  return merit;
}

}  // namespace

RecordEnd cut_record(std::string_view text, bool last, const Dialect& dialect, std::vector<Span>& fields,
                     std::string& storage, size_t& used) {
  const size_t line_end = text.find('\n');
  const std::string_view line = text.substr(0, line_end);
  if (!dialect.quoting || line.find('"') == std::string_view::npos) {
    if (line_end == std::string_view::npos && !last) return RecordEnd::kCutInField;
    used = std::min(line.size() + 1, text.size());
    cut_plain(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line, dialect.delimiter, fields,
              storage);
    return RecordEnd::kComplete;
  }
  size_t at = 0;
  while (true) {
    const size_t begin = storage.size();
    if (at < text.size() && text[at] == '"') {
      const RecordEnd end = cut_quoted(text, at, dialect.delimiter, storage);
      if (end != RecordEnd::kComplete) return end;
    } else {
      const size_t end = find_field_end(text, at, dialect.delimiter);
      storage.append(text.substr(at, end - at));
      at = end;
    }
    if (at == text.size() && !last) return RecordEnd::kCutInField;
    const bool record_ends = at == text.size() || text[at] == '\n';
    if (record_ends && storage.size() > begin && at > 0 && text[at - 1] == '\r') storage.pop_back();
    fields.push_back({begin, storage.size() - begin});
    if (record_ends) {
      used = std::min(at + 1, text.size());
      return RecordEnd::kComplete;
    }
    ++at;
  }
}

char detect_delimiter(std::string_view sample, bool last) {
  char best = ',';
  Merit best_merit;
  for (const char candidate : {',', ';', '\t', '|'}) {
    const Merit merit = merit_of(candidate, sample, last);
    if (merit.columns < 2) continue;
    const bool better = merit.agreement > best_merit.agreement ||
                        (merit.agreement == best_merit.agreement && merit.columns > best_merit.columns);
    if (best_merit.columns > 0 && !better) continue;
    best = candidate;
    best_merit = merit;
  }
  return best;
}

}  // namespace valence::rows
