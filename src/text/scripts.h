// Which script a letter belongs to, as far as scripts tell languages apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace valence::text {

enum class Script : uint8_t {
  kNone,  // no letter: digits, signs, emoji
  kOther,
  kLatin,
  kGreek,
  kCyrillic,
  kArmenian,
  kHebrew,
  kArabic,
  kSyriac,
  kThaana,
  kDevanagari,
  kBengali,
  kGurmukhi,
  kGujarati,
  kOriya,
  kTamil,
  kTelugu,
  kKannada,
  kMalayalam,
  kSinhala,
  kThai,
  kLao,
  kTibetan,
  kMyanmar,
  kGeorgian,
  kHangul,
  kEthiopic,
  kCherokee,
  kKhmer,
  kHan,
  kKana,  // Hiragana and Katakana
  kCount
};

// By the block of the code point; `c` is a letter or a mark. A mark that any script may use is kNone.
Script script_of(char32_t c);
// The same of any character: kNone for one that is neither letter nor mark.
Script script_of_letter(char32_t c);

// About how many letters of an alphabet a letter of the script is worth: a syllable or a word counts for
// more.
inline size_t weight_of_letter(Script script) {
  return script == Script::kHan || script == Script::kKana || script == Script::kHangul ? 3 : 1;
}

// The code of ISO 15924: "Latn"; "Jpan" for kana, "Zyyy" for kNone, "Zzzz" for kOther.
std::string_view script_code(Script script);

}  // namespace valence::text
