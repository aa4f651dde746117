// The part of an input's text that is in memory: readers look ahead in it and consume rows from its front.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rows/encoding.h"

namespace valence::rows {

// A place between two rows, for going on there later.
struct Position {
  uint64_t offset = 0;    // bytes of UTF-8 text consumed
  uint64_t line = 1;      // line of the file that begins here
  uint32_t checksum = 0;  // CRC-32 of the text consumed, 0 unless asked for
};

class InputWindow {
 public:
  // `max_row_bytes`: how far find_line_end() looks.
  InputWindow(TextSource source, size_t max_row_bytes)
      : source_(std::move(source)), max_row_bytes_(max_row_bytes) {}

  std::string_view text() const { return std::string_view(buffer_).substr(begin_); }
  // Reads more text behind text(), which moves; false at the end of the input.
  bool more();
  // Takes `count` bytes from the front; lines are counted.
  void consume(size_t count);

  // The offset of the line feed at or after `from`, reading as far as needed; npos when the input ends or
  // max_row_bytes() pass without one.
  size_t find_line_end(size_t from);
  // Consumes up to and including the next line feed, or all, holding little of it in memory.
  void skip_line();
  // Consumes text up to `position`, which an earlier run reached. Errors: kUsage when the input is shorter,
  // or when it is not the same text there (only if checksums are kept).
  void skip_to(const Position& position);

  void keep_checksum() { keep_checksum_ = true; }
  const Position& position() const { return position_; }
  size_t max_row_bytes() const { return max_row_bytes_; }
  const TextSource& source() const { return source_; }

 private:
  TextSource source_;
  size_t max_row_bytes_;
  std::string buffer_;
  size_t begin_ = 0;
  Position position_;
  bool keep_checksum_ = false;
};

}  // namespace valence::rows
