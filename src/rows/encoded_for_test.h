// UTF-8 in the other encodings that files come in.
#pragma once

#include <string>
#include <string_view>

#include "base/utf8.h"
#include "rows/encoding.h"

namespace valence::rows {

inline void append_unit(std::string& out, uint32_t unit, bool big_endian) {
  const char low = static_cast<char>(unit & 0xFF), high = static_cast<char>(unit >> 8);
  out += big_endian ? high : low;
  out += big_endian ? low : high;
}

inline std::string utf16(std::string_view text, bool big_endian) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = decode_utf8(text, at);
    if (c < 0x10000) {
      append_unit(out, c, big_endian);
    } else {
      append_unit(out, 0xD800 + ((c - 0x10000) >> 10), big_endian);
      append_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF), big_endian);
    }
  }
  return out;
}

// Of U+0080 to U+009F only the euro sign and the curly quotes are known here.
inline std::string windows1252(std::string_view text) {
  constexpr std::u32string_view kHigh = U"€‘’“”–—…";
  constexpr std::string_view kBytes = "\x80\x91\x92\x93\x94\x96\x97\x85";
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = decode_utf8(text, at);
    const size_t high = kHigh.find(c);
    out += high == std::u32string_view::npos ? static_cast<char>(c) : kBytes[high];
  }
  return out;
}

// As a file in `encoding`, with its byte order mark where it has one and `mark` asks for it.
inline std::string encoded(std::string_view text, Encoding encoding, bool mark) {
  switch (encoding) {
    case Encoding::kUtf8:
      return (mark ? "\xEF\xBB\xBF" : "") + std::string(text);
    case Encoding::kUtf16Le:
      return (mark ? "\xFF\xFE" : "") + utf16(text, false);
    case Encoding::kUtf16Be:
      return (mark ? "\xFE\xFF" : "") + utf16(text, true);
    case Encoding::kWindows1252:
      break;
  }
  return windows1252(text);
}

}  // namespace valence::rows
