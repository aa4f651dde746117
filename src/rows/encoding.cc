#include "rows/encoding.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"
#include "base/utf8.h"

namespace valence::rows {
namespace {

constexpr size_t kBlock = 64 << 10;    // bytes read and decoded at a time; even, for UTF-16
constexpr size_t kStartSample = 4096;  // enough to tell UTF-16 from bytes
constexpr char kUndecodable = '\xff';  // never part of UTF-8

// 0x80..0x9F of Windows-1252 (the five holes are controls, as WHATWG's Encoding Standard has it).
constexpr std::array<char16_t, 32> kWindows1252High = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

uint16_t unit_at(std::string_view text, size_t at, bool big_endian) {
  const uint16_t first = byte_at(text, at), second = byte_at(text, at + 1);
  return static_cast<uint16_t>(big_endian ? first << 8 | second : second << 8 | first);
}

bool is_high_surrogate(uint16_t unit) { return (unit & 0xFC00) == 0xD800; }
bool is_low_surrogate(uint16_t unit) { return (unit & 0xFC00) == 0xDC00; }

// Decodes whole units; gives back how many bytes it used (a high surrogate at the end waits for its other
// half unless `last`).
size_t decode_utf16(std::string_view bytes, bool big_endian, bool last, std::string& out) {
  size_t at = 0;
  while (at + 2 <= bytes.size()) {
    const uint16_t unit = unit_at(bytes, at, big_endian);
    if (is_high_surrogate(unit)) {
      if (at + 4 > bytes.size() && !last) break;
      const bool paired = at + 4 <= bytes.size() && is_low_surrogate(unit_at(bytes, at + 2, big_endian));
      if (paired) {
        const char32_t low = unit_at(bytes, at + 2, big_endian) & 0x3FF;
        append_utf8(out, 0x10000 + ((unit & char32_t{0x3FF}) << 10 | low));
        at += 4;
        continue;
      }
    }
    if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
      out += kUndecodable;
    } else {
      append_utf8(out, unit);
    }
    at += 2;
  }
  if (last && at < bytes.size()) {
    out += kUndecodable;  // half a unit
    at = bytes.size();
  }
  return at;
}

void decode_windows1252(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    append_utf8(out, byte >= 0x80 && byte < 0xA0 ? kWindows1252High[byte - 0x80] : byte);
  }
}

bool is_white_unit(uint16_t unit) { return unit == '\n' || unit == '\r' || unit == ' ' || unit == '\t'; }

bool looks_like_utf16(std::string_view sample, bool big_endian) {
  const size_t units = sample.size() / 2;
  size_t matching = 0, other = 0;  // NULs where the high byte of an ASCII character stands, and elsewhere
  size_t white = 0,
         swapped_white = 0;  // white space, and what it is in the other byte order: hardly a character
  size_t low_pages = 0;      // units up to U+1FFF: the alphabets of most of the world
  for (size_t at = 0; at + 2 <= sample.size(); at += 2) {
    const uint16_t unit = unit_at(sample, at, big_endian), swapped = unit_at(sample, at, !big_endian);
    matching += unit < 0x100;
    other += swapped < 0x100;
    white += is_white_unit(unit);
    swapped_white += is_white_unit(swapped);
    low_pages += unit < 0x2000;
  }
  if (units < 2 || matching * 50 < units) return false;
  if (matching <= 50 * other && white <= 50 * swapped_white) return false;
  // So many control characters cannot be text in bytes; with fewer (Chinese has ASCII only in its line ends)
  // the bytes must also fail as UTF-8.
  if (low_pages * 2 < units && is_valid_utf8(sample)) return false;
  std::string decoded;
  decode_utf16(sample.substr(0, 2 * units), big_endian, false, decoded);
  return is_valid_utf8(decoded);
}

// The evidence for and against Windows-1252 that the bytes above 0x7F give.
struct HighBytes {
  size_t stray = 0;     // that are not UTF-8
  size_t western = 0;   // of those, the ones that stand where Western text has them
  size_t accident = 0;  // UTF-8 sequences that Windows-1252 text also has by accident: "ß”" is DF 94
  size_t utf8 = 0;      // all other UTF-8 sequences
};

bool is_letter_of_1252(uint8_t byte) {
  if (byte < 0x80) return std::isalpha(byte) != 0;
  return (byte >= 0xC0 && byte != 0xD7 && byte != 0xF7) || byte == 0x8A || byte == 0x8C || byte == 0x8E ||
         byte == 0x9A || byte == 0x9C || byte == 0x9E || byte == 0x9F;
}

// A letter of Western text has a plain letter beside it and no run of three above 0x7F around it (Cyrillic,
// Greek or Thai in one byte each would); or it is one of the words of one letter, à é ó. The rest that is
// common: quotes, dashes, the ellipsis, currency, the degree, the no-break space.
bool is_western(std::string_view text, size_t at) {
  const uint8_t byte = byte_at(text, at);
  const auto neighbour = [&](size_t distance, bool after) -> uint8_t {
    if (after) return at + distance < text.size() ? byte_at(text, at + distance) : ' ';
    return at >= distance ? byte_at(text, at - distance) : ' ';
  };
  const uint8_t before = neighbour(1, false), after = neighbour(1, true);
  if (is_letter_of_1252(byte)) {
    const bool in_run = (before >= 0x80 && (after >= 0x80 || neighbour(2, false) >= 0x80)) ||
                        (after >= 0x80 && neighbour(2, true) >= 0x80);
    if (in_run) return false;
    if (std::isalpha(before) || std::isalpha(after)) return true;
    return std::string_view("\xe0\xe1\xe9\xe8\xf3\xf2\xc0\xc9\xc8").find(text[at]) != std::string_view::npos;
  }
  const std::string_view marks =
      "\x80\x85\x91\x92\x93\x94\x95\x96\x97\x99\xa0\xa1\xa3\xa9\xab\xae\xb0\xb4\xbb\xbf";
  return marks.find(text[at]) != std::string_view::npos;
}

HighBytes count_high_bytes(std::string_view text) {
  HighBytes count;
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = at;
    const char32_t c = decode_utf8(text, at);
    if (c < 0x80) continue;
    if (c == kInvalidCodePoint) {
      ++count.stray;
      if (is_western(text, begin)) ++count.western;
    } else {
      // C2 and C3 lead what Western text has in UTF-8, and rarely come before punctuation in Windows-1252.
      ++(c >= 0x100 && c < 0x800 ? count.accident : count.utf8);
    }
  }
  return count;
}

bool looks_like_windows1252(std::string_view sample) {
  const HighBytes count = count_high_bytes(sample);
  return count.stray > 0 && count.utf8 == 0 && count.accident * 20 <= count.stray &&
         count.western * 4 >= count.stray * 3;
}

// A cut sequence at the end of a sample is no evidence of anything.
std::string_view without_cut_sequence(std::string_view sample) {
  size_t tail = 0;
  while (tail < 3 && tail < sample.size() && (byte_at(sample, sample.size() - 1 - tail) & 0xC0) == 0x80)
    ++tail;
  if (tail < sample.size() && byte_at(sample, sample.size() - 1 - tail) >= 0xC0) {
    return sample.substr(0, sample.size() - 1 - tail);
  }
  return sample;
}

}  // namespace

std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kUtf8:
      return "UTF-8";
    case Encoding::kUtf16Le:
      return "UTF-16LE";
    case Encoding::kUtf16Be:
      return "UTF-16BE";
    case Encoding::kWindows1252:
      return "Windows-1252";
  }
  return "";
}

std::optional<Encoding> encoding_by_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_' && c != ' ')
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (plain == "utf8") return Encoding::kUtf8;
  if (plain == "utf16le" || plain == "utf16") return Encoding::kUtf16Le;
  if (plain == "utf16be") return Encoding::kUtf16Be;
  for (const char* known : {"windows1252", "cp1252", "latin1", "iso88591"}) {
    if (plain == known) return Encoding::kWindows1252;
  }
  return std::nullopt;
}

Encoding detect_encoding(std::string_view sample) {
  if (looks_like_utf16(sample, false)) return Encoding::kUtf16Le;
  if (looks_like_utf16(sample, true)) return Encoding::kUtf16Be;
  return looks_like_windows1252(sample) ? Encoding::kWindows1252 : Encoding::kUtf8;
}

TextSource::TextSource(std::unique_ptr<ByteSource> source, std::optional<Encoding> forced, bool always_utf8)
    : source_(std::move(source)), always_utf8_(always_utf8) {
  if (forced) {
    encoding_ = *forced;
    forced_ = true;
  }
}

// Makes pending_ hold at least `size` bytes, or all that are left.
bool TextSource::fill(size_t size) {
  const size_t had = pending_.size();
  if (had < size && !at_end_) {
    pending_.resize(size);
    const size_t got = read_full(*source_, pending_.data() + had, size - had);
    pending_.resize(had + got);
    at_end_ = had + got < size;
  }
  return !pending_.empty();
}

void TextSource::decide_at_start() {
  using namespace std::string_view_literals;
  state_ = forced_ || always_utf8_ ? State::kDecided : State::kAscii;
  if (pending_.starts_with("\xff\xfe\0\0"sv) || pending_.starts_with("\0\0\xfe\xff"sv)) {
    throw Error(ErrorCode::kBadData, "the input is in UTF-32; expected UTF-8, UTF-16 or Windows-1252");
  }
  const auto take_mark = [&](std::string_view mark, Encoding encoding) {
    if (!pending_.starts_with(mark) || (forced_ && encoding_ != encoding)) return false;
    pending_.erase(0, mark.size());
    decoded_ += mark.size();
    encoding_ = encoding;
    state_ = State::kDecided;
    return true;
  };
  if (take_mark("\xef\xbb\xbf", Encoding::kUtf8) || take_mark("\xff\xfe", Encoding::kUtf16Le) ||
      take_mark("\xfe\xff", Encoding::kUtf16Be) || state_ == State::kDecided) {
    return;
  }
  const std::string_view sample = std::string_view(pending_).substr(0, kStartSample);
  const bool little = looks_like_utf16(sample, false);
  if (!little && !looks_like_utf16(sample, true)) return;
  encoding_ = little ? Encoding::kUtf16Le : Encoding::kUtf16Be;
  state_ = State::kDecided;
}

// Up to here the file was ASCII, which is the same in UTF-8 and Windows-1252: so the decision can wait for
// the first byte that tells them apart, and look at what follows it.
void TextSource::decide_at_first_high_byte() {
  const auto high = std::find_if(pending_.begin(), pending_.end(), [](char c) { return (c & 0x80) != 0; });
  if (high == pending_.end()) return;
  const auto at = static_cast<size_t>(high - pending_.begin());
  fill(at + kBlock);
  std::string_view sample = std::string_view(pending_).substr(at > 0 ? at - 1 : 0);
  if (!at_end_) sample = without_cut_sequence(sample);
  if (looks_like_windows1252(sample)) encoding_ = Encoding::kWindows1252;
  state_ = State::kDecided;
}

bool TextSource::read(std::string& out) {
  if (!fill(kBlock)) return false;
  if (state_ == State::kStart) decide_at_start();
  if (state_ == State::kAscii) decide_at_first_high_byte();
  decode(out);
  return true;
}

void TextSource::decode(std::string& out) {
  size_t used = pending_.size();
  switch (encoding_) {
    case Encoding::kUtf8:
      out += pending_;
      break;
    case Encoding::kUtf16Le:
      used = decode_utf16(pending_, false, at_end_, out);
      break;
    case Encoding::kUtf16Be:
      used = decode_utf16(pending_, true, at_end_, out);
      break;
    case Encoding::kWindows1252: {
      const HighBytes count = count_high_bytes(pending_);
      if (!forced_ && count.utf8 >= 3 && count.utf8 > count.stray) {
        throw Error(ErrorCode::kBadData, "the input begins in Windows-1252 and goes on in UTF-8 near byte " +
                                             std::to_string(decoded_) +
                                             "; name its encoding with --encoding");
      }
      decode_windows1252(pending_, out);
      break;
    }
  }
  decoded_ += used;
  pending_.erase(0, used);
}

}  // namespace valence::rows
