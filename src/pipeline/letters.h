// Scripts of letters and the languages that are written in them: coarse blocks of Unicode, which is all that
// telling a translation from its source needs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace valence::pipeline {

enum class Script : uint8_t {
  kNone,  // no letter
  kLatin,
  kGreek,
  kCyrillic,
  kArmenian,
  kHebrew,
  kArabic,
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
  kKhmer,
  kKana,
  kHan,
};

Script script_of(char32_t c);
// 0 to 9 for a decimal digit of any of these scripts, -1 for anything else.
int digit_of(char32_t c);

// The scripts of a language by its code of ISO 639 ("ru", "rus"); none when it is unknown or has several.
std::vector<Script> scripts_of_language(std::string_view code);
// Whether it is a code of ISO 639-1, or one of three letters that translation models are named by.
bool is_language_code(std::string_view code);

}  // namespace valence::pipeline
