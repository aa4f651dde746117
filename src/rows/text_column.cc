#include "rows/text_column.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/error.h"
#include "rows/row_reader.h"

namespace valence::rows {
namespace {

std::string folded(std::string_view name) {
  const size_t begin = name.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  name = name.substr(begin, name.find_last_not_of(" \t") - begin + 1);
  std::string out(name);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string listed(const std::vector<std::string>& columns) {
  constexpr size_t kShown = 12;
  std::string out;
  for (size_t i = 0; i < std::min(columns.size(), kShown); ++i) {
    out += (i > 0 ? ", " : "") + printable(columns[i], 40);
  }
  if (columns.size() > kShown) out += ", ... (" + std::to_string(columns.size()) + " in all)";
  return out;
}

std::vector<int> indices_of(const std::vector<std::string>& columns, const std::string& name, bool fold) {
  std::vector<int> found;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (fold ? folded(columns[i]) == folded(name) : columns[i] == name) found.push_back(static_cast<int>(i));
  }
  return found;
}

// Those of the very name; without one those whose name differs in case.
std::vector<int> named(const std::vector<std::string>& columns, const std::string& wanted) {
  const std::vector<int> found = indices_of(columns, wanted, false);
  return found.empty() ? indices_of(columns, wanted, true) : found;
}

std::optional<size_t> numbered(const std::vector<std::string>& columns, const std::string& wanted) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  const bool is_number = error == std::errc() && end == wanted.data() + wanted.size();
  if (!is_number || number < 1 || number > columns.size()) return std::nullopt;
  return number - 1;
}

int by_name(const std::vector<std::string>& columns, const std::string& wanted, const std::string& name) {
  const std::vector<int> found = named(columns, wanted);
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    throw Error(ErrorCode::kUsage, name + " has " + std::to_string(found.size()) + " columns '" +
                                       printable(wanted) + "'; give its number instead, " +
                                       std::to_string(found.front() + 1) + " for the first");
  }
  if (const std::optional<size_t> place = numbered(columns, wanted)) return static_cast<int>(*place);
  throw Error(ErrorCode::kUsage,
              name + " has no column '" + printable(wanted) + "'; it has " + listed(columns));
}

}  // namespace

const std::vector<std::string>& default_text_columns() {
  static const std::vector<std::string> names = {"text",        "review",  "review_text",  "reviewtext",
                                                 "review_body", "comment", "comment_text", "comments",
                                                 "content",     "message", "tweet",        "sentence",
                                                 "feedback",    "body",    "post",         "description"};
  return names;
}

std::optional<size_t> find_column(const std::vector<std::string>& columns, const std::string& wanted) {
  const std::vector<int> found = named(columns, wanted);
  return found.empty() ? numbered(columns, wanted) : std::optional(static_cast<size_t>(found.front()));
}

int choose_text_column(const std::vector<std::string>& columns, const std::optional<std::string>& wanted,
                       const std::string& name) {
  if (wanted) return by_name(columns, *wanted, name);
  if (columns.size() == 1) return 0;
  for (const std::string& candidate : default_text_columns()) {
    const std::vector<int> found = indices_of(columns, candidate, true);
    if (!found.empty()) return found.size() == 1 ? found.front() : by_name(columns, candidate, name);
  }
  throw Error(
      ErrorCode::kUsage,
      name + " has no column that is surely the text; name it with --text-column: " + listed(columns));
}

}  // namespace valence::rows
