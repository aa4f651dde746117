#include "rows/display_width.h"

#include <utf8proc.h>

#include <algorithm>
#include <functional>

#include "base/utf8.h"

namespace valence::rows {
namespace {

bool is_hidden(char32_t c) {
  return c == kInvalidCodePoint || c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x61C || c == 0x200E ||
         c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

bool is_white(char32_t c) { return (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0x2028 || c == 0x2029; }

size_t width_of(char32_t c) {
  return static_cast<size_t>(std::max(0, ::utf8proc_charwidth(static_cast<utf8proc_int32_t>(c))));
}

// Calls `take(cluster, width)` for each grapheme cluster as it is shown, until it returns false.
void for_each_cluster(std::string_view text, const std::function<bool(std::string_view, size_t)>& take) {
  std::string cluster;
  size_t width = 0;
  utf8proc_int32_t state = 0;
  char32_t previous = 0;
  for (size_t at = 0; at < text.size();) {
    char32_t c = decode_utf8(text, at);
    if (is_white(c)) c = ' ';
    if (is_hidden(c)) continue;
    const bool breaks =
        previous != 0 && ::utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous),
                                                            static_cast<utf8proc_int32_t>(c), &state);
    if (breaks) {
      if (!take(cluster, width)) return;
      cluster.clear();
      width = 0;
    }
    append_utf8(cluster, c);
    // A cluster is as wide as its widest character; an emoji selector or a second flag letter makes it wide.
    const bool makes_wide = c == 0xFE0F || (c >= 0x1F1E6 && c <= 0x1F1FF && previous >= 0x1F1E6 && !breaks);
    width = std::max(width, makes_wide ? size_t{2} : width_of(c));
    previous = c;
  }
  if (!cluster.empty()) take(cluster, width);
}

}  // namespace

size_t display_width(std::string_view text) {
  size_t total = 0;
  for_each_cluster(text, [&](std::string_view, size_t width) {
    total += width;
    return true;
  });
  return total;
}

std::string fit_width(std::string_view text, size_t width, bool fill) {
  std::string out;
  size_t used = 0;    // cells in `out`
  size_t cut_at = 0;  // length of `out` when the ellipsis still fits behind it
  size_t cut_width = 0;
  bool cut = false;
  for_each_cluster(text, [&](std::string_view cluster, size_t cells) {
    if (used + cells > width) {
      cut = true;
      return false;
    }
    out += cluster;
    used += cells;
    if (used + 1 <= width) {
      cut_at = out.size();
      cut_width = used;
    }
    return true;
  });
  if (cut && width > 0) {
    out.resize(cut_at);
    out += "…";
    used = cut_width + 1;
  }
  if (fill && used < width) out.append(width - used, ' ');
  return out;
}

}  // namespace valence::rows
