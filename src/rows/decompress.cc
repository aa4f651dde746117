#include "rows/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/error.h"

namespace valence::rows {
namespace {

constexpr size_t kChunk = 128 << 10;

// The compressed side that both decoders share: a chunk of input and what is left of it.
class CompressedSource : public ByteSource {
 public:
  CompressedSource(std::unique_ptr<ByteSource> source, std::string name)
      : source_(std::move(source)), name_(std::move(name)), chunk_(kChunk) {}
  uint64_t taken() const override { return source_->taken(); }
  uint64_t total() const override { return source_->total(); }

 protected:
  // The bytes not yet decoded, of a fresh chunk when there are none; empty at the end.
  std::string_view input() {
    if (at_ == filled_) {
      at_ = 0;
      filled_ = source_->read(chunk_.data(), chunk_.size());
    }
    return {chunk_.data() + at_, filled_ - at_};
  }
  void use(size_t count) { at_ += count; }
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorCode::kBadData, name_ + ": " + why);
  }

 private:
  std::unique_ptr<ByteSource> source_;
  std::string name_;
  std::vector<char> chunk_;
  size_t at_ = 0, filled_ = 0;
};

class GzipSource final : public CompressedSource {
 public:
  GzipSource(std::unique_ptr<ByteSource> source, std::string name)
      : CompressedSource(std::move(source), std::move(name)) {
    // 15: the largest window; + 16: a gzip header, not zlib's.
    if (::inflateInit2(&stream_, 15 + 16) != Z_OK) throw Error(ErrorCode::kRuntime, "cannot start zlib");
  }
  ~GzipSource() override { ::inflateEnd(&stream_); }

  size_t read(char* out, size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min(size, kChunk));
    const size_t wanted = stream_.avail_out;
    while (!at_end_ && stream_.avail_out == wanted) {
      if (!in_member_ && !begin_member()) break;
      inflate_some();
    }
    return wanted - stream_.avail_out;
  }

 private:
  // Moves to the next member; false when there is none.
  bool begin_member() {
    std::string_view bytes = input();
    while (!first_ && !bytes.empty() && bytes.front() == '\0') {  // padding
      use(std::min(bytes.find_first_not_of('\0'), bytes.size()));
      bytes = input();
      padded_ = true;
    }
    at_end_ = bytes.empty();
    if (at_end_) return false;
    if (padded_ || (!first_ && bytes.front() != '\x1f')) fail("bytes that are not gzip follow the gzip data");
    ::inflateReset(&stream_);
    in_member_ = true;
    first_ = false;
    return true;
  }

  void inflate_some() {
    const std::string_view bytes = input();
    if (bytes.empty()) fail("the gzip data is cut short");
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    use(bytes.size() - stream_.avail_in);
    if (status == Z_STREAM_END) {
      in_member_ = false;
    } else if (status != Z_OK) {
      fail("the gzip data is damaged");
    }
  }

  z_stream stream_{};
  bool first_ = true, in_member_ = false, padded_ = false, at_end_ = false;
};

class ZstdSource final : public CompressedSource {
 public:
  ZstdSource(std::unique_ptr<ByteSource> source, std::string name)
      : CompressedSource(std::move(source), std::move(name)), context_(::ZSTD_createDCtx()) {
    if (!context_) throw Error(ErrorCode::kRuntime, "cannot start zstd");
    ::ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, 27);
  }
  ~ZstdSource() override { ::ZSTD_freeDCtx(context_); }

  size_t read(char* out, size_t size) override {
    ZSTD_outBuffer output{out, size, 0};
    while (output.pos == 0) {
      const std::string_view bytes = input();
      if (bytes.empty()) {
        // Decoded bytes may still wait inside; when none come any more, the frame must have been complete.
        if (frame_complete_) return 0;
        ZSTD_inBuffer none{nullptr, 0, 0};
        step(output, none);
        if (output.pos == 0 && !frame_complete_) fail("the zstd data is cut short");
        continue;
      }
      ZSTD_inBuffer part{bytes.data(), bytes.size(), 0};
      step(output, part);
      use(part.pos);
    }
    return output.pos;
  }

 private:
  void step(ZSTD_outBuffer& output, ZSTD_inBuffer& part) {
    const size_t status = ::ZSTD_decompressStream(context_, &output, &part);
    if (::ZSTD_isError(status)) {
      fail(std::string("the zstd data is damaged or asks for too much memory: ") +
           ::ZSTD_getErrorName(status));
    }
    frame_complete_ = status == 0;
  }

  ZSTD_DCtx* context_;
  bool frame_complete_ = false;
};

bool ends_with_ignoring_case(std::string_view name, std::string_view ending) {
  if (name.size() < ending.size()) return false;
  name.remove_prefix(name.size() - ending.size());
  return std::equal(name.begin(), name.end(), ending.begin(),
                    [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

}  // namespace

Compression compression_of(std::string_view first_bytes) {
  if (first_bytes.starts_with("\x1f\x8b")) return Compression::kGzip;
  if (first_bytes.starts_with("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  const bool skippable = first_bytes.size() >= 4 && first_bytes.substr(1, 3) == "\x2a\x4d\x18" &&
                         (static_cast<unsigned char>(first_bytes[0]) & 0xF0) == 0x50;
  return skippable ? Compression::kZstd : Compression::kNone;
}

Compression compression_by_name(std::string_view name) {
  if (ends_with_ignoring_case(name, ".gz")) return Compression::kGzip;
  if (ends_with_ignoring_case(name, ".zst")) return Compression::kZstd;
  return Compression::kNone;
}

std::unique_ptr<ByteSource> decompress(std::unique_ptr<ByteSource> source, Compression compression,
                                       const std::string& name) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<GzipSource>(std::move(source), name);
    case Compression::kZstd:
      return std::make_unique<ZstdSource>(std::move(source), name);
    case Compression::kNone:
      break;
  }
  return source;
}

}  // namespace valence::rows
