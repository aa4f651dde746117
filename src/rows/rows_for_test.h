// What the tests of this room share.
#pragma once

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "rows/row_reader.h"

namespace valence::rows {

// One gzip member.
inline std::string gzip(std::string_view bytes) {
  z_stream stream{};
  ::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&stream, bytes.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return out;
}

// One zstd frame with a checksum.
inline std::string zstd(std::string_view bytes, int window_log = 0) {
  ZSTD_CCtx* context = ::ZSTD_createCCtx();
  ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  // Without its size in the frame, the window is what the decoder must keep.
  if (window_log > 0) {
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  std::string out(::ZSTD_compressBound(bytes.size()) + 64, '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ::ZSTD_compressStream2(context, &to, &in, window_log > 0 ? ZSTD_e_continue : ZSTD_e_end);
  if (window_log > 0) ::ZSTD_compressStream2(context, &to, &in, ZSTD_e_end);
  ::ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

inline std::string read_to_end(ByteSource& source, size_t step = 4096) {
  std::string out, block(step, '\0');
  while (const size_t got = source.read(block.data(), block.size())) out.append(block, 0, got);
  return out;
}

// A stream of `head`, then `count` times `middle`, then `tail`, without memory for it.
class RepeatingSource final : public ByteSource {
 public:
  RepeatingSource(std::string head, std::string middle, size_t count, std::string tail)
      : part_(std::move(head)), middle_(std::move(middle)), tail_(std::move(tail)), left_(count) {}
  size_t read(char* out, size_t size) override {
    size_t filled = 0;
    while (filled < size) {
      if (at_ == part_.size()) {
        if (done_) break;
        done_ = left_ == 0;
        part_ = done_ ? tail_ : middle_;
        left_ -= done_ ? 0 : 1;
        at_ = 0;
        continue;
      }
      const size_t count = std::min(size - filled, part_.size() - at_);
      part_.copy(out + filled, count, at_);
      at_ += count;
      filled += count;
    }
    return filled;
  }
  uint64_t taken() const override { return 0; }
  uint64_t total() const override { return 0; }

 private:
  std::string part_, middle_, tail_;
  size_t left_, at_ = 0;
  bool done_ = false;
};

inline std::unique_ptr<RowReader> open_text(std::string bytes, Format format,
                                            std::optional<std::string> text_column = std::nullopt) {
  ReaderOptions options;
  options.format = format;
  options.text_column = std::move(text_column);
  return open_rows(open_memory(std::move(bytes)), "the test", options);
}

inline std::vector<Row> read_all(RowReader& reader) {
  std::vector<Row> rows;
  Row row;
  while (reader.next(row)) rows.push_back(row);
  return rows;
}

// "LINE text" of a row that can be used, "LINE !reason" of another: a whole file at a glance.
inline std::vector<std::string> glance(RowReader& reader) {
  std::vector<std::string> lines;
  for (const Row& row : read_all(reader)) {
    const std::string what = row.rejected() ? "!" + row.reject.reason : std::string(row.text_view());
    lines.push_back(std::to_string(row.line) + " " + what);
  }
  return lines;
}

inline std::vector<std::string> glance(std::string bytes, Format format,
                                       std::optional<std::string> text_column = std::nullopt) {
  return glance(*open_text(std::move(bytes), format, std::move(text_column)));
}

// The error that `action` throws, as "status message"; "none" when it throws nothing.
template <typename Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::to_string(exit_status(error.code())) + " " + error.what();
  }
  return "none";
}

}  // namespace valence::rows
