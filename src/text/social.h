// The preprocessing under which the Cardiff models for tweets were trained (Barbieri et al. 2020).
#pragma once

#include <string>
#include <string_view>

namespace valence::text {

// Words are what single spaces separate. A word that begins with @ and is longer than that becomes "@user",
// one that begins with "http" becomes "http"; everything else, all spaces among it, stays as it is.
std::string preprocess_tweet(std::string_view text);

}  // namespace valence::text
