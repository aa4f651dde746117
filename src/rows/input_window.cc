#include "rows/input_window.h"

#include <zlib.h>

#include <algorithm>

#include "base/error.h"

namespace valence::rows {
namespace {

constexpr size_t kMaxSpareBytes = 8 << 20;

}  // namespace

bool InputWindow::more() {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    // A row of many megabytes must not cost its memory for the rest of the file.
    if (buffer_.capacity() > kMaxSpareBytes && buffer_.size() < buffer_.capacity() / 4)
      buffer_.shrink_to_fit();
  }
  const size_t had = buffer_.size();
  while (buffer_.size() == had) {
    if (!source_.read(buffer_)) return false;
  }
  return true;
}

void InputWindow::consume(size_t count) {
  const std::string_view part = text().substr(0, count);
  VALENCE_CHECK(part.size() == count);
  position_.line += static_cast<uint64_t>(std::count(part.begin(), part.end(), '\n'));
  position_.offset += count;
  if (keep_checksum_) {
    const auto* bytes = reinterpret_cast<const Bytef*>(part.data());
    position_.checksum = static_cast<uint32_t>(::crc32_z(position_.checksum, bytes, count));
  }
  begin_ += count;
}

size_t InputWindow::find_line_end(size_t from) {
  while (true) {
    const size_t found = text().find('\n', from);
    if (found != std::string_view::npos) return found;
    from = text().size();
    if (from > max_row_bytes_ || !more()) return std::string_view::npos;
  }
}

void InputWindow::skip_line() {
  while (true) {
    const size_t found = text().find('\n');
    if (found != std::string_view::npos) return consume(found + 1);
    consume(text().size());
    if (!more()) return;
  }
}

void InputWindow::skip_to(const Position& position) {
  while (position_.offset < position.offset) {
    if (text().empty() && !more()) break;
    consume(std::min<uint64_t>(text().size(), position.offset - position_.offset));
  }
  if (position_.offset != position.offset || position_.line != position.line ||
      (keep_checksum_ && position_.checksum != position.checksum)) {
    throw Error(ErrorCode::kUsage, "the input is not the one that the interrupted run read");
  }
}

}  // namespace valence::rows
