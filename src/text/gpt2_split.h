// The pattern by which GPT-2 and its descendants cut a text before byte-level BPE, as a scanner:
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// Every text is covered by its matches, so a piece ends where the next one begins.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/utf8.h"
#include "text/unicode.h"

namespace valence::text {

// Texts as the scanner sees them: a code point at a position, and the position after it.
class CodePointSource {
 public:
  explicit CodePointSource(std::u32string_view text) : text_(text) {}
  size_t size() const { return text_.size(); }
  char32_t unit(size_t at) const { return text_[at]; }
  char32_t next(size_t& at) const { return text_[at++]; }

 private:
  std::u32string_view text_;
};

class Utf8Source {
 public:
  explicit Utf8Source(std::string_view text) : text_(text) {}
  size_t size() const { return text_.size(); }
  char32_t unit(size_t at) const { return static_cast<unsigned char>(text_[at]); }  // below 128: ASCII
  char32_t next(size_t& at) const {
    const auto byte = static_cast<unsigned char>(text_[at]);
    if (byte < 0x80) {
      ++at;
      return byte;
    }
    return decode_utf8(text_, at);
  }

 private:
  std::string_view text_;
};

template <typename Source>
class Gpt2Splitter {
 public:
  explicit Gpt2Splitter(Source source) : source_(source) {}

  // The end of the piece that begins at `begin` < size().
  size_t piece_end(size_t begin) const {
    size_t at = begin;
    char32_t c = source_.next(at);
    if (c == U'\'') {
      if (const size_t end = contraction_end(at)) return end;
    }
    Kind kind = kind_of(c);
    if (c == U' ' && at < source_.size()) {
      size_t after = at;
      const Kind next = kind_of(source_.next(after));
      if (next != kSpace) {
        kind = next;
        at = after;
      }
    }
    return kind == kSpace ? space_end(begin) : run_end(at, kind);
  }

 private:
  enum Kind : uint8_t { kLetters, kNumbers, kSpace, kOthers };

  static constexpr Kind ascii_kind(char32_t c) {
    if ((c | 32) - U'a' < 26) return kLetters;
    if (c - U'0' < 10) return kNumbers;
    return c == U' ' || c - U'\t' < 5 ? kSpace : kOthers;
  }
  static constexpr std::array<Kind, 128> kAscii = [] {
    std::array<Kind, 128> kinds{};
    for (char32_t c = 0; c < 128; ++c) kinds[c] = ascii_kind(c);
    return kinds;
  }();

  Kind kind_of(char32_t c) const {
    if (c < 128) return kAscii[c];
    const uint32_t flags = table_[c].flags;
    return flags & kLetter ? kLetters : flags & kNumber ? kNumbers : flags & kPatternSpace ? kSpace : kOthers;
  }

  size_t run_end(size_t at, Kind kind) const {
    while (at < source_.size()) {
      if (const char32_t unit = source_.unit(at); unit < 128) {
        if (kAscii[unit] != kind) return at;
        ++at;
        continue;
      }
      size_t after = at;
      if (kind_of(source_.next(after)) != kind) return at;
      at = after;
    }
    return at;
  }

  // White space up to the end of the text is one piece; otherwise its last code point is left for what
  // follows.
  size_t space_end(size_t begin) const {
    size_t at = begin, last = begin;
    while (at < source_.size()) {
      size_t after = at;
      if (kind_of(source_.next(after)) != kSpace) return last > begin ? last : at;
      last = at;
      at = after;
    }
    return at;
  }

  // The end of 's, 't, 're, 've, 'm, 'll or 'd, whose letters begin at `at`; 0 when there is none.
  size_t contraction_end(size_t at) const {
    if (at >= source_.size()) return 0;
    const char32_t first = source_.next(at);
    if (first == U's' || first == U't' || first == U'm' || first == U'd') return at;
    if (at >= source_.size() || (first != U'r' && first != U'v' && first != U'l')) return 0;
    const char32_t second = source_.next(at);
    return second == (first == U'l' ? U'l' : U'e') ? at : 0;
  }

  Source source_;
  const UnicodeTable& table_ = UnicodeTable::get();
};

}  // namespace valence::text
