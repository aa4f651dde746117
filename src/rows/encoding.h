// Text files as UTF-8: byte order marks, UTF-16 and Windows-1252 are recognised and transcoded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "rows/byte_source.h"

namespace valence::rows {

// kWindows1252 stands for Latin-1 too: they differ only in 0x80..0x9F, which Latin-1 texts do not use.
enum class Encoding { kUtf8, kUtf16Le, kUtf16Be, kWindows1252 };

std::string_view name_of(Encoding encoding);
// By the usual names ("utf-8", "UTF-16LE", "latin-1", "cp1252"...); nothing for an unknown one.
std::optional<Encoding> encoding_by_name(std::string_view name);

// What `sample`, the beginning of a file without byte order mark, is by evidence:
// - UTF-16 when NULs are frequent, they or white space tell the byte order, and the units decode;
// - else Windows-1252 when the bytes above 0x7F are hardly ever UTF-8, and stand where Western letters and
//   punctuation do (the rule is in the .cc);
// - else UTF-8, whose broken rows are then rejected one by one.
Encoding detect_encoding(std::string_view sample);

// The stream of a file's text as UTF-8. A UTF-8 file passes unchanged, broken bytes included (the row that
// has them is rejected by the reader of rows); what cannot be decoded in UTF-16 becomes the byte 0xFF, which
// is never UTF-8 either. Decisions depend on the bytes alone, not on how they arrive.
class TextSource {
 public:
  // `forced`: what the user says the encoding is. `always_utf8`: by the format's definition (JSON); only
  // UTF-16 with its byte order mark is still recognised.
  TextSource(std::unique_ptr<ByteSource> source, std::optional<Encoding> forced, bool always_utf8);

  // Appends some text (after a byte order mark perhaps none yet) to `out`; false at the end. Errors: those of
  // ByteSource::read, and kBadData for UTF-32 or where a file that was Windows-1252 goes on in UTF-8.
  bool read(std::string& out);

  // The encoding as far as it is known: a file is UTF-8 until its first byte above 0x7F.
  Encoding encoding() const { return encoding_; }
  const ByteSource& bytes() const { return *source_; }

 private:
  enum class State { kStart, kAscii, kDecided };
  bool fill(size_t size);
  void decide_at_start();
  void decide_at_first_high_byte();
  void decode(std::string& out);

  std::unique_ptr<ByteSource> source_;
  std::string pending_;  // bytes read and not yet decoded
  bool at_end_ = false;
  State state_ = State::kStart;
  Encoding encoding_ = Encoding::kUtf8;
  bool forced_ = false, always_utf8_;
  uint64_t decoded_ = 0;  // bytes of the file, for messages
};

}  // namespace valence::rows
