// What is known of the languages themselves: the scripts they are written in, and how often one meets them.
#pragma once

#include <string_view>

#include "text/scripts.h"

namespace valence::language {

using text::Script;

// Whether texts in the language (ISO 639 as in lid.176) are written in the script. An unknown language is
// taken for one in Latin letters.
bool is_written_in(std::string_view language, Script script);

// Whether lid.176 has such a label.
bool is_known_language(std::string_view code);

// What the logarithm of its probability loses before any text is seen: nothing for languages with a large
// written use, more for small and made ones, which a model without a prior finds in short texts of others.
double rarity(std::string_view language);

}  // namespace valence::language
