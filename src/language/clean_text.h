// What of a text says something about its language: its words, small letters only, without links, @names,
// #tags, numbers, signs and emoji.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/scripts.h"

namespace valence::language {

using text::Script;

// Letters and marks of one script (Han and kana count as one), with the apostrophes and hyphens inside.
struct Word {
  size_t begin = 0, end = 0;            // code points of the original text
  size_t text_begin = 0, text_end = 0;  // bytes of CleanText::text
  size_t letters = 0;
  Script script = Script::kNone;  // kKana as soon as there is one kana
};

struct CleanText {
  std::string text;  // the words with a space between each two; a letter stands at most twice in a row
  std::vector<Word> words;
  bool informal = false;  // it had @names, #tags, links, emoji or stretched words

  std::string_view of(const Word& word) const {
    return std::string_view(text).substr(word.text_begin, word.text_end - word.text_begin);
  }
};

// Overwrites `out`. `text` is valid UTF-8.
void clean_text(std::string_view text, CleanText& out);

}  // namespace valence::language
