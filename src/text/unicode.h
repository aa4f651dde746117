// What the reference tokenizers know about each code point, as tables made from the reference itself
// (tools/make_unicode_data.py says why no single version of Unicode would do), and the algorithms of
// Unicode that tokenizers need: normal forms (UAX #15) and grapheme clusters (UAX #29).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace valence::text {

// Bits of Record::flags, in the order of tools/make_unicode_data.py.
enum UnicodeFlag : uint32_t {
  kLetter = 1 << 0,        // \p{L} of a pattern
  kNumber = 1 << 1,        // \p{N} of a pattern
  kPatternSpace = 1 << 2,  // \s of a pattern
  kWhite = 1 << 3,         // White_Space: what splitting on white space looks at
  kPunctuation = 1 << 4,   // general category P, and the ASCII symbols
  kBertRemoved = 1 << 5,   // control characters and the like, dropped by BERT's cleaning
  kNonspacing = 1 << 6,    // general category Mn, dropped when BERT strips accents
  kCombining = 1 << 7,     // general category M, dropped by the StripAccents normalizer
  kWord = 1 << 8,          // \w
  kNumeric = 1 << 9,       // what the Digits pre-tokenizer calls a digit
  kHasNfd = 1 << 10,
  kHasNfkd = 1 << 11,
  kHasLower = 1 << 12,
  kPictographic = 1 << 13,
  kConjunctConsonant = 1 << 14,
  kConjunctLinker = 1 << 15,
  kConjunctExtend = 1 << 16,
};

enum class ClusterBreak : uint8_t {
  kOther,
  kCr,
  kLf,
  kControl,
  kExtend,
  kZwj,
  kRegionalIndicator,
  kPrepend,
  kSpacingMark,
  kL,
  kV,
  kT,
  kLv,
  kLvt,
};

struct UnicodeRecord {
  uint32_t flags;
  uint8_t cluster_break;
  uint8_t combining_class;
};

// The record of each code point. Built once, in well under a millisecond; lives as long as the program.
class UnicodeTable {
 public:
  static const UnicodeTable& get();
  // Any value is allowed; those that are no code point have the record of a control character.
  const UnicodeRecord& operator[](char32_t c) const { return records_[c < kCodes ? of_[c] : none_]; }
  bool has(char32_t c, uint32_t flags) const { return ((*this)[c].flags & flags) != 0; }

 private:
  static constexpr char32_t kCodes = 0x110000;
  UnicodeTable();
  const UnicodeRecord* records_;
  std::vector<uint8_t> of_;
  uint8_t none_;
};

// The mapping of one code point: a view into constant tables or into `c` or `scratch` themselves.
struct MappingScratch {
  char32_t codes[4];
};
std::u32string_view decompose(char32_t c, bool compatible, MappingScratch& scratch);  // NFD or NFKD, full
std::u32string_view lowercase(char32_t c, MappingScratch& scratch);
// The primary composite of two code points, 0 when there is none.
char32_t compose(char32_t first, char32_t second);
// Whether NFC leaves every text made of such code points alone, whatever their order.
bool is_inert_in_nfc(char32_t c);

// Finds the ends of extended grapheme clusters, one code point after the other.
class GraphemeScanner {
 public:
  // Whether a boundary lies before `c`, the next code point of the text (true for the first one).
  bool boundary_before(char32_t c);

 private:
  bool joins(const UnicodeRecord& next) const;

  const UnicodeTable& table_ = UnicodeTable::get();
  bool first_ = true;
  UnicodeRecord previous_{};
  bool odd_indicators_ = false;  // an odd number of regional indicators precedes (GB12, GB13)
  bool pictographic_ = false;    // \p{Extended_Pictographic} Extend* precedes, with or without the ZWJ (GB11)
  bool consonant_ = false;       // a consonant of a conjunct and what may follow it precedes (GB9c)
  bool linker_ = false;          // and a linker was among it
};

}  // namespace valence::text
