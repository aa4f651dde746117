// The second opinion: CLD2, which knows 4-grams of letters and whole words where fastText knows shorter
// n-grams.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace valence::language {

struct Cld2Votes {
  struct Vote {
    int language = -1;  // CLD2's number
    double share = 0;   // of the text, 0 to 1
  };
  std::array<Vote, 3> votes;  // language -1: none
  bool reliable = false;
};

// `text` is clean (see clean_text.h). Any thread may call it.
Cld2Votes ask_cld2(std::string_view text);

// The codes of CLD2's languages by their numbers, spelled as in lid.176; empty where there is no language.
const std::vector<std::string>& cld2_languages();

}  // namespace valence::language
