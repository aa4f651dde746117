#include <algorithm>

#include "base/error.h"
#include "rows/display_width.h"
#include "rows/writers.h"

namespace valence::rows {
namespace {

constexpr size_t kRowsForWidths = 64;  // rows that decide how wide the columns are
constexpr size_t kGap = 2;             // spaces between columns
constexpr size_t kOwnColumnMax = 16;   // widest own column but the text
constexpr size_t kLineNumber = 8;      // cells for those of a long file
constexpr size_t kTextMin = 24;        // what the text keeps before other columns are shown
constexpr size_t kTextLeast = 8;       // what it keeps beside ours, even where lines are then too long

}  // namespace

TableWriter::TableWriter(const WriterOptions& options, const RowReader& reader,
                         std::vector<std::string> names)
    : options_(options), own_(reader), headers_(own_.names()) {
  VALENCE_CHECK(own_.text_column() >= 0);
  for (std::string& name : names) headers_.push_back(free_name(std::move(name), own_.names()));
}

void TableWriter::row(const Row& row, std::span<const Cell> cells, std::string& out) {
  Line line;
  for (const std::string_view value : own_.values(row)) {
    // No more of a long text than can be shown.
    line.values.push_back(fit_width(value.substr(0, 16 * options_.table_width), options_.table_width, false));
  }
  for (const Cell& cell : cells) {
    line.values.push_back(cell.text);
    if (cell.tone != 0) line.tone = cell.tone;
  }
  if (!widths_.empty()) return append_line(line, false, out);
  waiting_.push_back(std::move(line));
  if (waiting_.size() == kRowsForWidths) show_waiting(true, out);
}

void TableWriter::end(std::string& out) {
  if (widths_.empty() && !waiting_.empty()) show_waiting(false, out);
}

void TableWriter::show_waiting(bool more_may_follow, std::string& out) {
  choose_widths(more_may_follow);
  append_line({headers_, 0}, true, out);
  for (const Line& line : waiting_) append_line(line, false, out);
  waiting_.clear();
}

// Ours are shown whole. The text gets what is left, and other columns of the input are shown from the left as
// long as the text keeps kTextMin. Rows that may follow can be wider than those that are known.
void TableWriter::choose_widths(bool more_may_follow) {
  const size_t own = own_.names().size();
  std::vector<size_t> wanted;
  for (const std::string& header : headers_) wanted.push_back(display_width(header));
  for (const Line& line : waiting_) {
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = std::max(wanted[i], display_width(line.values[i]));
  }
  const auto text = static_cast<size_t>(own_.text_column());
  if (more_may_follow) {
    wanted[text] = options_.table_width;
    if (own_.has_line_numbers()) wanted[0] = std::max(wanted[0], kLineNumber);
  }
  widths_.assign(wanted.size(), 0);
  size_t ours = 0;
  for (size_t i = own; i < wanted.size(); ++i) {
    widths_[i] = wanted[i];
    ours += wanted[i] + kGap;
  }
  size_t left = options_.table_width > ours ? options_.table_width - ours : 0;
  const size_t text_min = std::min(wanted[text], kTextMin);
  for (size_t i = 0; i < own; ++i) {
    const size_t width = std::min(wanted[i], kOwnColumnMax);
    if (i == text || left < width + kGap + text_min) continue;
    widths_[i] = width;
    left -= width + kGap;
  }
  widths_[text] = std::min(wanted[text], std::max(left, kTextLeast));
}

void TableWriter::append_line(const Line& line, bool header, std::string& out) const {
  const std::string_view tone = header          ? "\x1b[1m"
                                : line.tone > 0 ? "\x1b[32m"
                                : line.tone < 0 ? "\x1b[31m"
                                                : "";
  const bool colored = options_.color && !tone.empty();
  std::string text;
  for (size_t i = 0; i < widths_.size(); ++i) {
    if (widths_[i] == 0) continue;
    if (!text.empty()) text.append(kGap, ' ');
    // Of a row only our part is coloured.
    if (colored && (header ? text.empty() : i == own_.names().size())) text += tone;
    const size_t width =
        i < own_.names().size() ? widths_[i] : std::max(widths_[i], display_width(line.values[i]));
    text += fit_width(line.values[i], width, true);
  }
  while (text.ends_with(' ')) text.pop_back();
  out += text;
  if (colored) out += "\x1b[0m";
  out += '\n';
}

}  // namespace valence::rows
