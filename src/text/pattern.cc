#include "text/pattern.h"

#include <charconv>
#include <optional>

#include "base/error.h"
#include "text/aligned_text.h"
#include "text/gpt2_split.h"
#include "text/unicode.h"

namespace valence::text {
namespace {

constexpr size_t kNoLimit = SIZE_MAX;
// A run that is shorter than its least length is looked at again from its next code point, so that length is
// kept small.
constexpr size_t kMaxLeast = 64;

struct CharClass {
  std::u32string codes;  // one of these
  bool spaces = false;   // or white space
  bool negated = false;

  bool has(char32_t c) const {
    const bool in = codes.find(c) != codes.npos || (spaces && UnicodeTable::get().has(c, kPatternSpace));
    return in != negated;
  }
};

// A class with a greedy quantifier.
struct Repeat {
  CharClass of;
  size_t least = 1, most = 1;
};

// Parses "class quantifier | class quantifier | ...".
class RepeatParser {
 public:
  explicit RepeatParser(std::u32string_view pattern) : rest_(pattern) {}

  std::optional<std::vector<Repeat>> parse() {
    std::vector<Repeat> out;
    do {
      Repeat repeat;
      if (!char_class(repeat.of) || !quantifier(repeat)) return std::nullopt;
      out.push_back(std::move(repeat));
    } while (take(U'|'));
    if (!rest_.empty()) return std::nullopt;
    return out;
  }

 private:
  bool take(char32_t c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool char_class(CharClass& out) {
    if (!take(U'[')) return one(out);
    out.negated = take(U'^');
    do {
      if (rest_.empty() || rest_[0] == U'[' || !one(out, true)) return false;
      if (!rest_.empty() && rest_[0] == U'-') return false;  // ranges are not among the patterns in use
    } while (!take(U']'));
    return true;
  }

  bool one(CharClass& out, bool bracketed = false) {
    static constexpr std::u32string_view kSpecial = U".*+?()[]{}^$|\\", kBracketSpecial = U"[]^&-\\";
    if (rest_.empty()) return false;
    const char32_t c = rest_[0];
    rest_.remove_prefix(1);
    if (c == U'\\') return escape(out);
    if ((bracketed ? kBracketSpecial : kSpecial).find(c) != kSpecial.npos) return false;
    out.codes += c;
    return true;
  }

  bool escape(CharClass& out) {
    static constexpr std::u32string_view kNames = U"nrtfv", kValues = U"\n\r\t\f\v";
    if (rest_.empty()) return false;
    const char32_t c = rest_[0];
    rest_.remove_prefix(1);
    if (c == U's') {
      out.spaces = true;
    } else if (const size_t at = kNames.find(c); at != kNames.npos) {
      out.codes += kValues[at];
    } else if (c < 0x80 && UnicodeTable::get().has(c, kPunctuation)) {
      out.codes += c;
    } else {
      return false;
    }
    return true;
  }

  bool quantifier(Repeat& out) {
    if (take(U'+')) {
      out.most = kNoLimit;
    } else if (take(U'{')) {
      if (!number(out.least) || out.least == 0) return false;
      out.most = out.least;
      if (take(U',')) {
        out.most = kNoLimit;
        if (!rest_.empty() && rest_[0] != U'}' && !number(out.most)) return false;
      }
      if (!take(U'}') || out.most < out.least) return false;
    }
    return rest_.empty() || (rest_[0] != U'?' && rest_[0] != U'+' && rest_[0] != U'*');
  }

  bool number(size_t& out) {
    const size_t before = rest_.size();
    out = 0;
    while (!rest_.empty() && rest_[0] >= U'0' && rest_[0] <= U'9' && out <= kMaxLeast) {
      out = out * 10 + (rest_[0] - U'0');
      rest_.remove_prefix(1);
    }
    return rest_.size() < before && out <= kMaxLeast;
  }

  std::u32string_view rest_;
};

size_t run_length(const Repeat& repeat, std::u32string_view text, size_t at) {
  size_t length = 0;
  while (length < repeat.most && at + length < text.size() && repeat.of.has(text[at + length])) ++length;
  return length >= repeat.least ? length : 0;
}

Matcher match_repeats(std::vector<Repeat> repeats) {
  return [repeats = std::move(repeats)](std::u32string_view text, std::vector<Span>& matches) {
    for (size_t at = 0; at < text.size();) {
      size_t length = 0;
      for (size_t i = 0; i < repeats.size() && length == 0; ++i) length = run_length(repeats[i], text, at);
      if (length > 0) matches.push_back({at, at + length});
      at += length > 0 ? length : 1;
    }
  };
}

}  // namespace

Matcher match_string(std::u32string needle) {
  VALENCE_CHECK(!needle.empty());
  return [searcher = std::move(needle)](std::u32string_view text, std::vector<Span>& matches) {
    // The needles of tokenizer files are a few code points long: the plain search is linear in the text.
    for (size_t at = text.find(searcher); at != text.npos; at = text.find(searcher, at + searcher.size())) {
      matches.push_back({at, at + searcher.size()});
    }
  };
}

Matcher match_each(std::function<bool(char32_t)> is) {
  return [is = std::move(is)](std::u32string_view text, std::vector<Span>& matches) {
    for (size_t at = 0; at < text.size(); ++at) {
      if (is(text[at])) matches.push_back({at, at + 1});
    }
  };
}

Matcher match_gpt2() {
  return [](std::u32string_view text, std::vector<Span>& matches) {
    Gpt2Splitter<CodePointSource> splitter{CodePointSource(text)};
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = splitter.piece_end(begin);
      matches.push_back({begin, end});
      begin = end;
    }
  };
}

Matcher match_words() {
  return [](std::u32string_view text, std::vector<Span>& matches) {
    const UnicodeTable& table = UnicodeTable::get();
    const auto kind = [&](char32_t c) { return table.has(c, kWord) ? 0 : table.has(c, kWhite) ? 1 : 2; };
    for (size_t begin = 0; begin < text.size();) {
      const int first = kind(text[begin]);
      size_t end = begin + 1;
      while (end < text.size() && kind(text[end]) == first) ++end;
      if (first != 1) matches.push_back({begin, end});
      begin = end;
    }
  };
}

Matcher parse_pattern(const formats::Json* pattern, const std::string& where) {
  static const std::string kGpt2 =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  const auto fail = [&](const std::string& what) -> Error {
    return Error(ErrorCode::kBadData, where + ": " + what);
  };
  if (!pattern) throw fail("pattern is missing");
  if (const formats::Json* text = pattern->get("String")) {
    std::u32string codes = to_utf32(text->as_string(where + ": pattern"));
    if (codes.empty()) throw fail("pattern is empty");
    if (codes.size() > kMaxLeast)
      throw fail("pattern is longer than " + std::to_string(kMaxLeast) + " characters");
    return match_string(std::move(codes));
  }
  const formats::Json* regex = pattern->get("Regex");
  if (!regex) throw fail("pattern is neither a String nor a Regex");
  const std::string& text = regex->as_string(where + ": pattern");
  if (text == kGpt2) return match_gpt2();
  const std::u32string codes = to_utf32(text);
  auto repeats = RepeatParser(codes).parse();
  if (!repeats) throw fail("this regular expression is not supported: " + printable(text, 80));
  return match_repeats(std::move(*repeats));
}

}  // namespace valence::text
