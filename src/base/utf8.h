// UTF-8 decoding shared by every room that reads text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace valence {

constexpr char32_t kInvalidCodePoint = 0xFFFFFFFF;

// Decodes the code point that begins at text[at] and moves `at` past it. An invalid byte (overlong
// forms, surrogates, > U+10FFFF, cut sequences) gives kInvalidCodePoint and moves by one.
inline char32_t decode_utf8(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) {
    ++at;
    return first;
  }
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || at + length > text.size()) {
    ++at;
    return kInvalidCodePoint;
  }
  char32_t c = first & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    const unsigned char next = byte(at + i);
    if ((next & 0xC0) != 0x80) {
      ++at;
      return kInvalidCodePoint;
    }
    c = (c << 6) | (next & 0x3F);
  }
  const bool bad = (length == 3 && (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF))) ||
                   (length == 4 && (c < 0x10000 || c > 0x10FFFF));
  if (bad) {
    ++at;
    return kInvalidCodePoint;
  }
  at += length;
  return c;
}

// Appends the UTF-8 form of `c` (a valid scalar value).
void append_utf8(std::string& out, char32_t c);

bool is_valid_utf8(std::string_view text);

// True for an empty text and for one of nothing but Unicode white space (property White_Space) and ASCII
// control characters. Invalid UTF-8 is not blank.
bool is_blank(std::string_view text);

}  // namespace valence
