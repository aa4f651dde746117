#include "rows/json_scan.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>

#include "base/utf8.h"

namespace valence::rows {
namespace {

// Ends a scan; caught in scan_json_object, as a row that is not JSON becomes a reject.
struct Fault {
  Reject reject;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Is any of the eight bytes a quote, a backslash or a control character? (May also say yes for none.)
bool needs_a_look(uint64_t eight) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  const auto below = [](uint64_t x, uint64_t limit) { return (x - kOnes * limit) & ~x & kHighs; };
  return (below(eight, 0x20) | below(eight ^ (kOnes * '"'), 1) | below(eight ^ (kOnes * '\\'), 1)) != 0;
}

// A recursive descent over RFC 8259; the recursion is at most kMaxJsonDepth deep.
class Scanner {
 public:
  Scanner(std::string_view line, JsonObject& object) : line_(line), object_(object) {}

  void scan() {
    object_.fields.clear();
    skip_space();
    if (peek() != '{') {
      scan_value(1);
      throw Fault{{"not_an_object", "expected a JSON object, got another JSON value"}};
    }
    scan_object(1);
    skip_space();
    if (at_ == line_.size()) return;
    throw Fault{{"trailing_text", "text follows the JSON object at byte " + std::to_string(at_ + 1)}};
  }

 private:
  char peek() const { return at_ < line_.size() ? line_[at_] : '\0'; }

  [[noreturn]] void fail(const char* expected) const {
    const std::string place = at_ < line_.size() ? "at byte " + std::to_string(at_ + 1) : "at its end";
    throw Fault{{"invalid_json", "not valid JSON " + place + ": expected " + expected}};
  }

  void skip_space() {
    while (at_ < line_.size() &&
           (line_[at_] == ' ' || line_[at_] == '\t' || line_[at_] == '\r' || line_[at_] == '\n')) {
      ++at_;
    }
  }

  void scan_value(size_t depth) {
    const char c = peek();
    if (c == '{') {
      scan_object(depth);
    } else if (c == '[') {
      scan_array(depth);
    } else if (c == '"') {
      scan_string();
    } else if (c == '-' || is_digit(c)) {
      scan_number();
    } else if (!scan_word("true") && !scan_word("false") && !scan_word("null")) {
      fail("a value");
    }
  }

  void check_depth(size_t depth) const {
    if (depth <= kMaxJsonDepth) return;
    throw Fault{{"too_deep", "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels"}};
  }

  void scan_object(size_t depth) {
    check_depth(depth);
    const size_t first_key = keys_.size();
    ++at_;
    skip_space();
    const size_t begin = at_;
    size_t end = at_;
    while (peek() != '}' || end > begin) {
      if (peek() != '"') fail("a key");
      const Span key = scan_string();
      keys_.push_back(key);
      skip_space();
      if (peek() != ':') fail("':'");
      ++at_;
      skip_space();
      const size_t value = at_;
      scan_value(depth + 1);
      end = at_;
      if (depth == 1) object_.fields.insert(object_.fields.end(), {key, {value, end - value}});
      skip_space();
      if (peek() == '}') break;
      if (peek() != ',') fail("',' or '}'");
      ++at_;
      skip_space();
    }
    ++at_;
    if (depth == 1) object_.members = {begin, end - begin};
    check_repeated(first_key);
  }

  void scan_array(size_t depth) {
    check_depth(depth);
    ++at_;
    skip_space();
    if (peek() == ']') {
      ++at_;
      return;
    }
    while (true) {
      scan_value(depth + 1);
      skip_space();
      if (peek() == ']') break;
      if (peek() != ',') fail("',' or ']'");
      ++at_;
      skip_space();
    }
    ++at_;
  }

  // Gives the part between the quotes.
  Span scan_string() {
    const size_t begin = ++at_;
    while (true) {
      uint64_t eight;
      while (at_ + sizeof eight <= line_.size()) {
        std::memcpy(&eight, line_.data() + at_, sizeof eight);
        if (needs_a_look(eight)) break;
        at_ += sizeof eight;
      }
      const char c = peek();
      if (c == '"') break;
      if (c == '\\') {
        scan_escape();
      } else if (static_cast<unsigned char>(c) < 0x20) {
        fail(at_ < line_.size() ? "no control character in a string" : "the end of a string");
      } else {
        ++at_;
      }
    }
    return {begin, at_++ - begin};
  }

  void scan_escape() {
    ++at_;
    const char c = peek();
    if (c == 'u') {
      for (int i = 0; i < 4; ++i) {
        ++at_;
        if (hex_value(peek()) < 0) fail("four hexadecimal digits");
      }
    } else if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
      fail("an escape");
    }
    ++at_;
  }

  void scan_number() {
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else {
      scan_digits();
    }
    if (peek() == '.') {
      ++at_;
      scan_digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      scan_digits();
    }
  }

  void scan_digits() {
    if (!is_digit(peek())) fail("a digit");
    while (is_digit(peek())) ++at_;
  }

  bool scan_word(std::string_view word) {
    if (line_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  // The keys from keys_[first] on are those of one object.
  void check_repeated(size_t first) {
    names_.clear();
    unescaped_.clear();
    for (size_t i = first; i < keys_.size(); ++i) names_.push_back(unescaped_key(keys_[i]));
    keys_.resize(first);
    bool repeated = false;
    if (names_.size() <= kFewKeys) {
      for (size_t i = 1; i < names_.size(); ++i) {
        repeated = repeated || std::find(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(i),
                                         names_[i]) != names_.begin() + static_cast<std::ptrdiff_t>(i);
      }
    } else {
      std::sort(names_.begin(), names_.end());
      repeated = std::adjacent_find(names_.begin(), names_.end()) != names_.end();
    }
    if (repeated) throw Fault{{"repeated_key", "an object has the same key twice"}};
  }

  std::string_view unescaped_key(Span key) {
    const std::string_view raw = line_.substr(key.begin, key.size);
    if (raw.find('\\') == std::string_view::npos) return raw;
    std::string& name = unescaped_.emplace_back();
    // U+FFFD stands for half a surrogate pair; the raw form behind it keeps different halves apart.
    if (!append_unescaped(raw, name)) name.append(raw);
    return name;
  }

  static constexpr size_t kFewKeys = 12;  // compared with each other; more are sorted

  std::string_view line_;
  JsonObject& object_;
  size_t at_ = 0;
  std::vector<Span> keys_;  // of all open objects
  std::vector<std::string_view> names_;
  std::deque<std::string> unescaped_;  // what names_ points into, for keys with escapes
};

char32_t hex4(std::string_view raw, size_t at) {
  char32_t unit = 0;
  for (size_t i = 0; i < 4; ++i) unit = unit << 4 | static_cast<char32_t>(hex_value(raw[at + i]));
  return unit;
}

// `at` is behind "\u"; moves behind the digits, of a whole surrogate pair where there is one.
char32_t unescape_unicode(std::string_view raw, size_t& at) {
  const char32_t unit = hex4(raw, at);
  at += 4;
  if (unit < 0xD800 || unit > 0xDFFF) return unit;
  if (unit > 0xDBFF || raw.substr(at, 2) != "\\u") return kInvalidCodePoint;
  const char32_t low = hex4(raw, at + 2);
  if (low < 0xDC00 || low > 0xDFFF) return kInvalidCodePoint;
  at += 6;
  return 0x10000 + ((unit - 0xD800) << 10 | (low - 0xDC00));
}

char plain_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

}  // namespace

Reject scan_json_object(std::string_view line, JsonObject& object) {
  try {
    Scanner(line, object).scan();
  } catch (const Fault& fault) {
    return fault.reject;
  }
  return {};
}

bool append_unescaped(std::string_view raw, std::string& out) {
  bool valid = true;
  size_t at = 0;
  while (true) {
    const size_t escape = raw.find('\\', at);
    out.append(raw.substr(at, escape - at));
    if (escape == std::string_view::npos) return valid;
    at = escape + 2;
    if (raw[escape + 1] != 'u') {
      out += plain_escape(raw[escape + 1]);
      continue;
    }
    const char32_t c = unescape_unicode(raw, at);
    valid = valid && c != kInvalidCodePoint;
    append_utf8(out, c == kInvalidCodePoint ? 0xFFFD : c);
  }
}

}  // namespace valence::rows
