// Text as a terminal shows it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace valence::rows {

// The terminal cells that `text` (valid UTF-8) takes: by grapheme cluster (UAX #29), wide ones count 2.
size_t display_width(std::string_view text);

// `text` on one line, at most `width` cells wide, cut at a grapheme cluster with "…" where it is longer and
// filled with spaces where it is shorter. White space becomes one space each; control characters (a terminal
// would obey them) and marks that change the direction of writing are left out.
std::string fit_width(std::string_view text, size_t width, bool fill);

}  // namespace valence::rows
