// gzip and zstd, taken off a stream of bytes in bounded memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "rows/byte_source.h"

namespace valence::rows {

enum class Compression { kNone, kGzip, kZstd };

// By the first bytes (4 are enough): RFC 1952 and RFC 8878, a skippable frame of zstd included.
Compression compression_of(std::string_view first_bytes);
// By the ending .gz or .zst, in any case.
Compression compression_by_name(std::string_view name);

// `name` is for messages. A stream that ends before its trailer, fails its checksum or is followed by
// anything but another member (or the zero bytes that tapes leave) is kBadData. A zstd frame may ask for a
// window of 128 MiB at most.
std::unique_ptr<ByteSource> decompress(std::unique_ptr<ByteSource> source, Compression compression,
                                       const std::string& name);

}  // namespace valence::rows
