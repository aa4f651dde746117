// Digits, and the scripts of languages: what telling a translation from its source needs.
#pragma once

#include <string_view>
#include <vector>

#include "text/scripts.h"

namespace valence::pipeline {

// 0 to 9 for a decimal digit of any of these scripts, -1 for anything else.
int digit_of(char32_t c);

// The scripts of a language by its code of ISO 639 ("ru", "rus"); none when it is unknown or has several.
std::vector<text::Script> scripts_of_language(std::string_view code);
// Whether it is a code of ISO 639-1, or one of three letters that translation models are named by.
bool is_language_code(std::string_view code);

}  // namespace valence::pipeline
