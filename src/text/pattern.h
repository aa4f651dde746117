// What a tokenizer.json may look for in a text: a fixed string, or one of the patterns that tokenizers really
// use, matched by hand-written scanners in linear time. Other regular expressions are refused.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json.h"

namespace valence::text {

struct Span {
  size_t begin, end;
};

// Finds the matches in a text from left to right; none is empty.
using Matcher = std::function<void(std::u32string_view text, std::vector<Span>& matches)>;

Matcher match_string(std::u32string text);  // must not be empty
// Each code point for which `is` holds, alone.
Matcher match_each(std::function<bool(char32_t)> is);
// The pattern of GPT-2: contractions, words, numbers and the rest, each with one space before it; white
// space.
Matcher match_gpt2();
// \w+|[^\w\s]+
Matcher match_words();

// {"String": ...} or {"Regex": ...}. Regular expressions: GPT-2's, and alternatives of one class each with a
// quantifier (" {2,}", "\s+", "[\n\r\t]", "\s{2,}|[\n\r\t]", ...). Errors: kBadData with `where`.
Matcher parse_pattern(const formats::Json* pattern, const std::string& where);

}  // namespace valence::text
