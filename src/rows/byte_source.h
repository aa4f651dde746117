// Where the bytes of an input come from: a file, standard input or memory, with gzip and zstd taken off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace valence::rows {

// A forward-only stream of bytes.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Writes up to `size` bytes (at least 1 is asked for) to `out` and returns how many; 0 is the end.
  // Errors: kNoInput when the input cannot be read, kBadData when its compression is damaged or cut,
  // kInterrupted when a signal arrived while waiting.
  virtual size_t read(char* out, size_t size) = 0;
  // Bytes taken from the file so far and its whole size (0 when unknown), both before decompression:
  // what a progress line shows.
  virtual uint64_t taken() const = 0;
  virtual uint64_t total() const = 0;
};

// Fills `out` with `size` bytes; fewer only at the end.
size_t read_full(ByteSource& source, char* out, size_t size);

// The path in quotes, fit for a message.
std::string input_name(const std::filesystem::path& path);

// Opens a file, pipe or device. gzip (of several members too) and zstd (of several frames) are known by
// their first bytes, whatever the name; a name that ends in .gz or .zst and bytes that say otherwise are
// kBadData. Errors: kNoInput when the path is absent, unreadable or a folder.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

// Standard input, decompressed likewise.
std::unique_ptr<ByteSource> open_standard_input();

// Bytes that live in the program (tests, fuzzers), decompressed likewise.
std::unique_ptr<ByteSource> open_memory(std::string bytes);

}  // namespace valence::rows
