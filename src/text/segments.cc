#include "text/segments.h"

#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "text/unicode.h"

namespace valence::text {
namespace {

constexpr std::u32string_view kEnders = U".!?…‼⁇⁈⁉؟۔।॥።፧။។៕᙮᠃᠉。！？｡．";
constexpr std::u32string_view kFullWidth = U"。！？｡．";
constexpr std::u32string_view kClosers = U"\"')]}»”’›」』）】〉》";
// Small letters, without the stop; none of them ends a sentence of its own as a rule.
constexpr std::string_view kAbbreviations[] = {"mr",  "mrs", "ms",     "dr",  "prof", "st",  "vs",
                                               "nr",  "jr",  "sr",     "e.g", "i.e",  "z.b", "d.h",
                                               "bzw", "ca",  "approx", "sra", "dra",  "mme", "mlle"};

bool is_one_of(char32_t c, std::u32string_view set) { return set.find(c) != std::u32string_view::npos; }

bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x3FFFF) ||
         (c >= 0xF900 && c <= 0xFAFF);
}

// A code point and the bytes that it stands in.
struct Point {
  char32_t c = 0;
  size_t begin = 0, end = 0;
};

std::vector<Point> points_of(std::string_view text) {
  std::vector<Point> points;
  points.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = decode_utf8(text, at);
    points.push_back({c, begin, at});
  }
  return points;
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text), points_(points_of(text)) {}

  std::vector<Segment> sentences() {
    std::vector<Segment> out;
    size_t begin = 0;
    for (size_t k = 0; k < points_.size();) {
      const size_t end = end_of_sentence(k, begin);
      if (end == 0) {
        ++k;
        continue;
      }
      add(begin, end, out);
      begin = k = end;
    }
    add(begin, points_.size(), out);
    return out;
  }

 private:
  bool has(size_t k, uint32_t flags) const { return table_.has(points_[k].c, flags); }
  bool is_space(size_t k) const { return has(k, kWhite); }

  // Behind the last point of the sentence when it ends at point k; 0 when it goes on.
  size_t end_of_sentence(size_t k, size_t begin) const {
    if (points_[k].c == U'\n') return is_empty_line_behind(k) ? k + 1 : 0;
    if (!is_one_of(points_[k].c, kEnders)) return 0;
    size_t end = k;
    bool full_width = false;
    while (end < points_.size() && is_one_of(points_[end].c, kEnders)) {
      full_width |= is_one_of(points_[end].c, kFullWidth);
      ++end;
    }
    const bool single_stop = end == k + 1 && points_[k].c == U'.';
    while (end < points_.size() && is_one_of(points_[end].c, kClosers)) ++end;
    if (end == points_.size() || full_width) return end;
    if (!is_space(end)) return 0;
    return single_stop && goes_on_behind(k, end, begin) ? 0 : end;
  }

  bool is_empty_line_behind(size_t k) const {
    for (++k; k < points_.size() && is_space(k); ++k) {
      if (points_[k].c == U'\n') return true;
    }
    return false;
  }

  // Whether the full stop at point `stop` is part of an abbreviation, or a small letter follows at `end`.
  bool goes_on_behind(size_t stop, size_t end, size_t begin) const {
    size_t next = end;
    while (next < points_.size() && is_space(next)) ++next;
    if (next < points_.size() && is_small_letter(points_[next].c)) return true;
    size_t first = stop;
    while (first > begin && (has(first - 1, kLetter) || points_[first - 1].c == U'.')) --first;
    if (first == stop) return false;
    std::string word(text_.substr(points_[first].begin, points_[stop].begin - points_[first].begin));
    const bool initial = stop - first == 1 && points_[first].c != U'I' &&
                         !is_small_letter(points_[first].c) && points_[first].c < 0x250;
    std::ranges::transform(word, word.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return initial || std::ranges::find(kAbbreviations, word) != std::end(kAbbreviations);
  }

  // One with a capital form: what has no case begins a sentence as well as anything.
  static bool is_small_letter(char32_t c) {
    return (c >= U'a' && c <= U'z') || (c >= 0xDF && c <= 0xFF && c != 0xF7) || (c >= 0x430 && c <= 0x45F) ||
           (c >= 0x3B1 && c <= 0x3C9);
  }

  void add(size_t begin, size_t end, std::vector<Segment>& out) const {
    while (begin < end && is_space(begin)) ++begin;
    while (end > begin && is_space(end - 1)) --end;
    if (begin == end) return;
    bool says_something = false;
    for (size_t k = begin; k < end && !says_something; ++k)
      says_something = has(k, kLetter | kNumber | kPictographic);
    if (!says_something && !out.empty()) {
      out.back().end = points_[end - 1].end;
    } else {
      out.push_back({points_[begin].begin, points_[end - 1].end});
    }
  }

  const UnicodeTable& table_ = UnicodeTable::get();
  std::string_view text_;
  std::vector<Point> points_;
};

enum class Kind { kNone, kLetters, kAlone };

Kind kind_of(char32_t c) {
  const UnicodeTable& table = UnicodeTable::get();
  if (is_ideograph(c)) return Kind::kAlone;
  if (table.has(c, kLetter | kNumber)) return Kind::kLetters;
  // Digits and signs such as © are pictographic too, but are no emoji by themselves.
  const bool indicator = table[c].cluster_break == static_cast<uint8_t>(ClusterBreak::kRegionalIndicator);
  return indicator || (c > 0x2000 && table.has(c, kPictographic)) ? Kind::kAlone : Kind::kNone;
}

bool joins_letters(char32_t c) { return c == U'\'' || c == U'’' || c == U'-' || c == U'_'; }

}  // namespace

std::vector<Segment> sentences(std::string_view text) { return Splitter(text).sentences(); }

std::vector<Segment> words(std::string_view text) {
  struct Cluster {
    Segment bytes;
    char32_t first;
  };
  std::vector<Cluster> clusters;
  GraphemeScanner scanner;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = decode_utf8(text, at);
    if (scanner.boundary_before(c) || clusters.empty()) clusters.push_back({{begin, begin}, c});
    clusters.back().bytes.end = at;
  }
  std::vector<Segment> out;
  bool open = false;  // whether letters may join the last word
  for (size_t k = 0; k < clusters.size(); ++k) {
    const Kind kind = kind_of(clusters[k].first);
    if (kind == Kind::kLetters && open) {
      out.back().end = clusters[k].bytes.end;
    } else if (kind != Kind::kNone) {
      out.push_back(clusters[k].bytes);
      open = kind == Kind::kLetters;
    } else {
      open = open && joins_letters(clusters[k].first) && k + 1 < clusters.size() &&
             kind_of(clusters[k + 1].first) == Kind::kLetters;
    }
  }
  return out;
}

}  // namespace valence::text
