#include "text/unicode.h"

#include <algorithm>
#include <bitset>
#include <iterator>
#include <memory>

namespace valence::text {
namespace {

using Record = UnicodeRecord;
struct Range {
  char32_t first;
  uint8_t record;
};
struct Mapping {
  char32_t code;
  uint16_t begin;
  uint8_t length;
};
struct Composition {
  char32_t first, second, composed;
};
#include "text/unicode_data.inc"

// Hangul syllables are composed and decomposed by arithmetic (Unicode Standard, section 3.12).
constexpr char32_t kSyllables = 0xAC00, kLeads = 0x1100, kVowels = 0x1161, kTrails = 0x11A7;
constexpr char32_t kLeadCount = 19, kVowelCount = 21, kTrailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTrailCount;

bool is_syllable(char32_t c) { return c >= kSyllables && c < kSyllables + kSyllableCount; }

std::u32string_view decompose_syllable(char32_t c, MappingScratch& scratch) {
  const char32_t index = c - kSyllables;
  const char32_t trail = index % kTrailCount;
  scratch.codes[0] = kLeads + index / (kVowelCount * kTrailCount);
  scratch.codes[1] = kVowels + index / kTrailCount % kVowelCount;
  scratch.codes[2] = kTrails + trail;
  return {scratch.codes, trail == 0 ? 2u : 3u};
}

template <size_t N>
std::u32string_view find(const Mapping (&mappings)[N], char32_t c) {
  const auto it = std::lower_bound(std::begin(mappings), std::end(mappings), c,
                                   [](const Mapping& m, char32_t code) { return m.code < code; });
  if (it == std::end(mappings) || it->code != c) return {};
  return {kPool + it->begin, it->length};
}

std::u32string_view itself(char32_t c, MappingScratch& scratch) {
  scratch.codes[0] = c;
  return {scratch.codes, 1};
}

}  // namespace

UnicodeTable::UnicodeTable() : records_(kRecords), of_(kCodes) {
  for (size_t i = 0; i < std::size(kRanges); ++i) {
    const char32_t end = i + 1 < std::size(kRanges) ? kRanges[i + 1].first : kCodes;
    std::fill(of_.begin() + kRanges[i].first, of_.begin() + end, kRanges[i].record);
  }
  none_ = of_[0];
}

const UnicodeTable& UnicodeTable::get() {
  static const UnicodeTable table;
  return table;
}

std::u32string_view decompose(char32_t c, bool compatible, MappingScratch& scratch) {
  if (is_syllable(c)) return decompose_syllable(c, scratch);
  const uint32_t flags = UnicodeTable::get()[c].flags;
  if (compatible && (flags & kHasNfkd)) {
    // kNfkd leaves out what has the same canonical decomposition.
    if (const auto found = find(kNfkd, c); !found.empty()) return found;
  }
  if (flags & kHasNfd) {
    if (const auto found = find(kNfd, c); !found.empty()) return found;
  }
  return itself(c, scratch);
}

std::u32string_view lowercase(char32_t c, MappingScratch& scratch) {
  if (!UnicodeTable::get().has(c, kHasLower)) return itself(c, scratch);
  return find(kLower, c);
}

char32_t compose(char32_t first, char32_t second) {
  if (first >= kLeads && first < kLeads + kLeadCount && second >= kVowels && second < kVowels + kVowelCount) {
    return kSyllables + ((first - kLeads) * kVowelCount + (second - kVowels)) * kTrailCount;
  }
  if (is_syllable(first) && (first - kSyllables) % kTrailCount == 0 && second > kTrails &&
      second < kTrails + kTrailCount) {
    return first + (second - kTrails);
  }
  const auto it =
      std::lower_bound(std::begin(kCompositions), std::end(kCompositions), std::pair(first, second),
                       [](const Composition& m, const std::pair<char32_t, char32_t>& pair) {
                         return std::pair(m.first, m.second) < pair;
                       });
  const bool found = it != std::end(kCompositions) && it->first == first && it->second == second;
  return found ? it->composed : 0;
}

bool is_inert_in_nfc(char32_t c) {
  // What a composition may change: marks, the second parts of pairs, and what decomposes for good.
  static const auto changing = [] {
    auto set = std::make_unique<std::bitset<0x110000>>();
    for (const Mapping& m : kNfd) set->set(m.code);
    for (const Composition& m : kCompositions) set->reset(m.composed);
    for (const Composition& m : kCompositions) set->set(m.second);
    for (char32_t v = kVowels; v < kVowels + kVowelCount; ++v) set->set(v);
    for (char32_t t = kTrails; t < kTrails + kTrailCount; ++t) set->set(t);
    const UnicodeTable& table = UnicodeTable::get();
    for (char32_t code = 0x300; code < 0x110000; ++code) {
      if (table[code].combining_class != 0) set->set(code);
    }
    return set;
  }();
  return c < 0x300 || (c < 0x110000 && !changing->test(c));
}

// The rules of UAX #29, 3.1.1, in their order; the state holds what they look back at.
bool GraphemeScanner::joins(const UnicodeRecord& next) const {
  using enum ClusterBreak;
  const auto before = static_cast<ClusterBreak>(previous_.cluster_break);
  const auto after = static_cast<ClusterBreak>(next.cluster_break);
  const auto is_control = [](ClusterBreak c) { return c == kCr || c == kLf || c == kControl; };
  if (before == kCr && after == kLf) return true;                                                  // GB3
  if (is_control(before) || is_control(after)) return false;                                       // GB4, GB5
  if (before == kL && (after == kL || after == kV || after == kLv || after == kLvt)) return true;  // GB6
  if ((before == kLv || before == kV) && (after == kV || after == kT)) return true;                // GB7
  if ((before == kLvt || before == kT) && after == kT) return true;                                // GB8
  if (after == kExtend || after == kZwj || after == kSpacingMark) return true;            // GB9, GB9a
  if (before == kPrepend) return true;                                                    // GB9b
  if (consonant_ && linker_ && (next.flags & kConjunctConsonant)) return true;            // GB9c
  if (pictographic_ && before == kZwj && (next.flags & kPictographic)) return true;       // GB11
  return before == kRegionalIndicator && after == kRegionalIndicator && odd_indicators_;  // GB12, GB13
}

bool GraphemeScanner::boundary_before(char32_t c) {
  using enum ClusterBreak;
  const UnicodeRecord& next = table_[c];
  const auto kind = static_cast<ClusterBreak>(next.cluster_break);
  const bool boundary = first_ || !joins(next);
  odd_indicators_ = kind == kRegionalIndicator && (boundary || !odd_indicators_);
  if (next.flags & kPictographic) {
    pictographic_ = true;
  } else if (kind != kExtend && kind != kZwj) {
    pictographic_ = false;
  }
  if (next.flags & kConjunctConsonant) {
    consonant_ = true;
    linker_ = false;
  } else if (consonant_ && (next.flags & kConjunctLinker)) {
    linker_ = true;
  } else if (!(next.flags & kConjunctExtend)) {
    consonant_ = linker_ = false;
  }
  previous_ = next;
  first_ = false;
  return boundary;
}

}  // namespace valence::text
