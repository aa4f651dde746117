#include "text/json_cursor.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/utf8.h"

namespace valence::text {
namespace {

constexpr size_t kMaxDepth = 512;

// 10^exponent for an exponent >= 0: the nearest double, infinite beyond 308.
double power_of_ten(int64_t exponent) {
  static const auto powers = [] {
    std::array<double, 309> out{};
    for (size_t i = 0; i < out.size(); ++i) {
      const std::string text = "1e" + std::to_string(i);
      std::from_chars(text.data(), text.data() + text.size(), out[i]);
    }
    return out;
  }();
  const auto index = static_cast<size_t>(exponent);
  return index < powers.size() ? powers[index] : std::numeric_limits<double>::infinity();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void JsonCursor::fail(const std::string& what) const {
  throw Error(ErrorCode::kBadData,
              where_ + " is not as expected at byte " + std::to_string(at_) + ": " + what);
}

void JsonCursor::white() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
    ++at_;
  }
}

char JsonCursor::peek() {
  white();
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonCursor::accept(char c) {
  if (peek() != c || at_ == text_.size()) return false;
  ++at_;
  return true;
}

void JsonCursor::expect(char c) {
  if (!accept(c)) fail(std::string("expected '") + c + "'");
}

void JsonCursor::finish() {
  white();
  if (at_ != text_.size()) fail("text after the value");
}

std::string_view JsonCursor::string() {
  expect('"');
  const size_t begin = at_;
  while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
         static_cast<unsigned char>(text_[at_]) >= 0x20) {
    ++at_;
  }
  if (at_ < text_.size() && text_[at_] == '"') return text_.substr(begin, at_++ - begin);
  unescaped_.assign(text_, begin, at_ - begin);
  while (at_ < text_.size() && text_[at_] != '"') {
    const char c = text_[at_++];
    if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
    if (c == '\\') {
      escape();
    } else {
      unescaped_ += c;
    }
  }
  if (at_ == text_.size()) fail("a string without its end");
  ++at_;
  return unescaped_;
}

void JsonCursor::escape() {
  static constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  if (const size_t found = kNames.find(c); c != '\0' && found != std::string_view::npos) {
    unescaped_ += kValues[found];
    return;
  }
  if (c != 'u') fail("an unknown escape");
  char32_t code = hex4();
  if (code >= 0xD800 && code < 0xDC00) {
    if (text_.substr(at_, 2) != "\\u") fail("half of a surrogate pair");
    at_ += 2;
    const char32_t low = hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail("half of a surrogate pair");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (code >= 0xDC00 && code < 0xE000) {
    fail("half of a surrogate pair");
  }
  append_utf8(unescaped_, code);
}

char32_t JsonCursor::hex4() {
  uint32_t value = 0;
  const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 4 || result.ptr != digits.data() + 4) fail("expected four hexadecimal digits");
  at_ += 4;
  return value;
}

// The grammar of RFC 8259, section 6; from_chars alone would also take "inf" and "01".
std::string_view JsonCursor::number_text() {
  white();
  const size_t begin = at_;
  const auto digits = [&] {
    const size_t first = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    if (at_ == first) fail("expected a number");
  };
  if (at_ < text_.size() && text_[at_] == '-') ++at_;
  const size_t first = at_;
  digits();
  if (text_[first] == '0' && at_ > first + 1) fail("a number with a leading zero");
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    digits();
  }
  if (at_ < text_.size() && (text_[at_] | 0x20) == 'e') {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    digits();
  }
  return text_.substr(begin, at_ - begin);
}

// Not the nearest double of the decimal, but what the reference's JSON reader makes of it, which may be the
// next one: scores of a Unigram model that are nearly equal decide by such bits.
double JsonCursor::number() {
  const std::string_view digits = number_text();
  uint64_t significand = 0;
  int64_t exponent = 0;  // of ten
  bool full = false;     // further digits count no more
  size_t at = digits[0] == '-';
  for (bool fraction = false; at < digits.size() && (digits[at] | 0x20) != 'e'; ++at) {
    if (digits[at] == '.') {
      fraction = true;
      continue;
    }
    const auto digit = static_cast<uint64_t>(digits[at] - '0');
    full = full || significand > (UINT64_MAX - digit) / 10;
    if (!full) significand = significand * 10 + digit;
    exponent += static_cast<int>(full) - static_cast<int>(fraction);
  }
  if (at < digits.size()) {
    constexpr int64_t kLimit = 1'000'000;
    int64_t written = 0;
    const bool negative = digits[at + 1] == '-';
    const char* const first = digits.data() + at + 1 + (negative || digits[at + 1] == '+');
    const auto result = std::from_chars(first, digits.data() + digits.size(), written);
    if (result.ec != std::errc() || written > kLimit) written = kLimit;
    exponent += negative ? -written : written;
  }
  auto value = static_cast<double>(significand);
  for (; value != 0 && exponent < -308; exponent += 308) value /= 1e308;
  if (value != 0) value = exponent < 0 ? value / power_of_ten(-exponent) : value * power_of_ten(exponent);
  if (!std::isfinite(value)) fail("a number out of range");
  return digits[0] == '-' ? -value : value;
}

int64_t JsonCursor::integer(int64_t limit) {
  const std::string_view digits = number_text();
  int64_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size() || value < 0 || value > limit) {
    fail("expected an integer from 0 to " + std::to_string(limit) + ", got " + printable(digits, 40));
  }
  return value;
}

std::string_view JsonCursor::skip() {
  white();
  const size_t begin = at_;
  size_t depth = 0;
  do {
    const char c = peek();
    if (c == '{' || c == '[') {
      ++at_;
      if (++depth > kMaxDepth) fail("nested too deep");
    } else if (c == '}' || c == ']') {
      if (depth == 0) fail("expected a value");
      ++at_;
      --depth;
    } else if (c == '"') {
      string();
    } else if (c == '\0') {
      fail("expected a value, got the end");
    } else {
      ++at_;  // numbers, names, commas and colons: Json::parse judges them
      if (depth == 0) {
        while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ']') ++at_;
      }
    }
  } while (depth > 0);
  return text_.substr(begin, at_ - begin);
}

}  // namespace valence::text
