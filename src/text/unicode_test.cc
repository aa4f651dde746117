#include "text/unicode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/aligned_text.h"
#include "text/normalizer.h"
#include "text/scripts.h"
#include "text/tokenizer_for_test.h"

namespace valence::text {
namespace {

using ::testing::ElementsAre;

bool has(char32_t c, uint32_t flags) { return UnicodeTable::get().has(c, flags); }

TEST(Unicode, KnowsLettersNumbersAndSpaces) {
  for (const char32_t c :
       {U'a', U'Z', U'\u00AA', U'\u00DF', U'\u0416', U'\u4E2D', U'\uD55C', U'\U00020000', U'\u02B0'}) {
    EXPECT_TRUE(has(c, kLetter)) << std::hex << static_cast<uint32_t>(c);
    EXPECT_FALSE(has(c, kNumber | kPatternSpace | kWhite | kPunctuation | kBertRemoved));
  }
  for (const char32_t c : {U'0', U'\u0663', U'\u00BD', U'\u00B2', U'\u2167', U'\U0001D7D8'})
    EXPECT_TRUE(has(c, kNumber));
  for (const char32_t c :
       {U' ', U'\t', U'\n', U'\u00A0', U'\u1680', U'\u2003', U'\u2028', U'\u202F', U'\u3000'}) {
    EXPECT_TRUE(has(c, kWhite)) << std::hex << static_cast<uint32_t>(c);
    EXPECT_FALSE(has(c, kLetter | kNumber));
  }
  for (const char32_t c : {U'\u200B', U'\u200D', U'\uFEFF', U'\u180E', U'\u2581'})
    EXPECT_FALSE(has(c, kWhite));
}

TEST(Unicode, KnowsPunctuationAsBertDoes) {
  // The ASCII symbols count, those beyond do not.
  for (const char32_t c :
       {U'!', U'$', U'+', U'<', U'=', U'^', U'`', U'|', U'~', U'\u00A1', U'\u2014', U'\u3001', U'\u30FB'}) {
    EXPECT_TRUE(has(c, kPunctuation)) << std::hex << static_cast<uint32_t>(c);
  }
  for (const char32_t c : {U'\u20AC', U'\u00A9', U'\u2260', U'\U0001F600', U'a', U' '})
    EXPECT_FALSE(has(c, kPunctuation));
}

TEST(Unicode, KnowsWhatBertRemovesAndWhatIsAMark) {
  for (const char32_t c :
       {U'\0', U'\u0007', U'\u007F', U'\u00AD', U'\u200B', U'\uFEFF', U'\uFFFD', U'\uE000'}) {
    EXPECT_TRUE(has(c, kBertRemoved)) << std::hex << static_cast<uint32_t>(c);
  }
  for (const char32_t c : {U'\t', U'\n', U'\r', U'a', U' '}) EXPECT_FALSE(has(c, kBertRemoved));
  EXPECT_TRUE(has(U'\u0301', kNonspacing));
  EXPECT_TRUE(has(U'\u0903', kCombining));  // a spacing mark is no nonspacing one
  EXPECT_FALSE(has(U'\u0903', kNonspacing));
  EXPECT_EQ(UnicodeTable::get()[U'\u0301'].combining_class, 230);
  EXPECT_EQ(UnicodeTable::get()[U'\u0323'].combining_class, 220);
  EXPECT_EQ(UnicodeTable::get()[U'a'].combining_class, 0);
}

TEST(Unicode, HasARecordForValuesThatAreNoCodePoint) {
  for (const char32_t c : {char32_t{0x110000}, char32_t{0xFFFFFFFF}}) {
    EXPECT_FALSE(has(c, kLetter | kNumber | kWhite | kPunctuation));
    EXPECT_EQ(&UnicodeTable::get()[c], &UnicodeTable::get()[0]);
  }
}

TEST(Unicode, LowersLetters) {
  const std::pair<char32_t, std::u32string> cases[] = {{U'A', U"a"},
                                                       {U'a', U"a"},
                                                       {U'\u00C9', U"\u00E9"},
                                                       {U'\u0130', U"i\u0307"},
                                                       {U'\u1E9E', U"\u00DF"},
                                                       {U'\u03A3', U"\u03C3"},
                                                       {U'\u01C5', U"\u01C6"},
                                                       {U'\u4E2D', U"\u4E2D"},
                                                       {U'\U00010400', U"\U00010428"}};
  for (const auto& [c, lower] : cases) {
    MappingScratch scratch;
    EXPECT_EQ(lowercase(c, scratch), lower) << std::hex << static_cast<uint32_t>(c);
  }
}

TEST(Unicode, ComposesWhatItDecomposed) {
  MappingScratch scratch;
  EXPECT_EQ(decompose(U'\u1EAD', false, scratch), U"a\u0323\u0302");
  EXPECT_EQ(decompose(U'\uFB03', false, scratch), U"\uFB03");
  EXPECT_EQ(decompose(U'\uFB03', true, scratch), U"ffi");
  EXPECT_EQ(decompose(U'\uD55C', false, scratch), U"\u1112\u1161\u11AB");
  EXPECT_EQ(compose(U'e', U'\u0301'), U'\u00E9');
  EXPECT_EQ(compose(U'\u1112', U'\u1161'), U'\uD558');
  EXPECT_EQ(compose(U'\uD558', U'\u11AB'), U'\uD55C');
  EXPECT_EQ(compose(U'\uD55C', U'\u11AB'), U'\0');  // has its trail already
  EXPECT_EQ(compose(U'\u0915', U'\u093C'), U'\0');  // a composition exclusion
  EXPECT_EQ(compose(U'a', U'b'), U'\0');
}

std::string normal_form(std::string_view text, bool compatible, bool composed) {
  AlignedText aligned(text);
  UnicodeForm(compatible, composed).normalize(aligned);
  return to_utf8(aligned.codes);
}

// Rows of NormalizationTest.txt: source, NFC, NFD, NFKC, NFKD.
TEST(Unicode, FindsTheFourNormalForms) {
  const std::array<const char*, 5> rows[] = {
      {"\u1E9B\u0323", "\u1E9B\u0323", "\u017F\u0323\u0307", "\u1E69", "s\u0323\u0307"},
      {"\u1E0A\u0323", "\u1E0C\u0307", "D\u0323\u0307", "\u1E0C\u0307", "D\u0323\u0307"},
      {"\u212B", "\u00C5", "A\u030A", "\u00C5", "A\u030A"},
      {"\uFF76\uFF9E", "\uFF76\uFF9E", "\uFF76\uFF9E", "\u30AC", "\u30AB\u3099"},
      {"a\u0315\u0300\u05AE\u0062", "\u00E0\u05AE\u0315b", "a\u05AE\u0300\u0315b", "\u00E0\u05AE\u0315b",
       "a\u05AE\u0300\u0315b"},
      {"\u1100\uAC00\u11A8", "\u1100\uAC01", "\u1100\u1100\u1161\u11A8", "\u1100\uAC01",
       "\u1100\u1100\u1161\u11A8"}};
  for (const auto& row : rows) {
    EXPECT_EQ(normal_form(row[0], false, true), row[1]);
    EXPECT_EQ(normal_form(row[0], false, false), row[2]);
    EXPECT_EQ(normal_form(row[0], true, true), row[3]);
    EXPECT_EQ(normal_form(row[0], true, false), row[4]);
  }
}

TEST(Unicode, NormalFormsOfNormalFormsAreThemselves) {
  RandomTexts texts(31);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = texts.next();
    const std::string nfd = normal_form(text, false, false), nfc = normal_form(text, false, true);
    ASSERT_EQ(normal_form(nfd, false, false), nfd) << ::testing::PrintToString(text);
    ASSERT_EQ(normal_form(nfc, false, true), nfc) << ::testing::PrintToString(text);
    ASSERT_EQ(normal_form(nfc, false, false), nfd) << ::testing::PrintToString(text);
    ASSERT_EQ(normal_form(nfd, false, true), nfc) << ::testing::PrintToString(text);
    ASSERT_EQ(normal_form(normal_form(text, true, false), true, true), normal_form(text, true, true));
  }
}

TEST(Unicode, InertCodePointsAreNotChangedByNfc) {
  RandomTexts texts(37);
  for (int i = 0; i < 3000; ++i) {
    std::u32string codes = to_utf32(texts.next());
    std::erase_if(codes, [](char32_t c) { return !is_inert_in_nfc(c); });
    const std::string inert = to_utf8(codes);
    AlignedText aligned(inert);
    // By way of the decomposed form, as UnicodeForm itself leaves such texts alone.
    ASSERT_EQ(normal_form(normal_form(inert, false, false), false, true), inert)
        << ::testing::PrintToString(inert);
  }
  EXPECT_FALSE(is_inert_in_nfc(U'\u0301'));
  EXPECT_FALSE(is_inert_in_nfc(U'\u1161'));
  EXPECT_TRUE(is_inert_in_nfc(U'\u00E9'));
}

std::vector<std::string> clusters(std::u32string_view text) {
  GraphemeScanner scanner;
  std::vector<std::string> out;
  for (const char32_t c : text) {
    if (scanner.boundary_before(c)) out.emplace_back();
    valence::append_utf8(out.back(), c);
  }
  return out;
}

TEST(Unicode, FindsGraphemeClusters) {
  EXPECT_THAT(clusters(U"ae\u0301x"), ElementsAre("a", "e\u0301", "x"));
  EXPECT_THAT(clusters(U"\r\n\n\r"), ElementsAre("\r\n", "\n", "\r"));
  EXPECT_THAT(clusters(U"\u1112\u1161\u11AB\uAC00\u11A8"), ElementsAre("\u1112\u1161\u11AB", "\uAC00\u11A8"));
  EXPECT_THAT(clusters(U"\U0001F468\u200D\U0001F469a\u200D\U0001F469"),
              ElementsAre("\U0001F468\u200D\U0001F469", "a\u200D", "\U0001F469"));
  EXPECT_THAT(clusters(U"\U0001F1EB\U0001F1F7\U0001F1E9\U0001F1EA\U0001F1EB"),
              ElementsAre("\U0001F1EB\U0001F1F7", "\U0001F1E9\U0001F1EA", "\U0001F1EB"));
  EXPECT_THAT(clusters(U"\U0001F44D\U0001F3FD\u0915\u094D\u0937"),
              ElementsAre("\U0001F44D\U0001F3FD", "\u0915\u094D\u0937"));
  EXPECT_THAT(clusters(U"\n\u0301"), ElementsAre("\n", "\u0301"));
}

TEST(Unicode, KnowsBertsIdeographs) {
  for (const char32_t c :
       {U'\u4E00', U'\u9FFF', U'\u3400', U'\uF900', U'\U00020000', U'\U0002B920', U'\U0002F800'}) {
    EXPECT_TRUE(is_bert_ideograph(c)) << std::hex << static_cast<uint32_t>(c);
  }
  // Kana and Hangul are no ideographs; U+2B820 is none by a slip of the reference that models were trained
  // with.
  for (const char32_t c : {U'\u3042', U'\uAC00', U'\u3001', U'a', U'\U0002B820', U'\U00030000'}) {
    EXPECT_FALSE(is_bert_ideograph(c)) << std::hex << static_cast<uint32_t>(c);
  }
}

TEST(Scripts, AreFoundByBlock) {
  EXPECT_EQ(script_of(U'a'), Script::kLatin);
  EXPECT_EQ(script_of(U'ß'), Script::kLatin);
  EXPECT_EQ(script_of(U'ж'), Script::kCyrillic);
  EXPECT_EQ(script_of(U'\u0301'), Script::kNone);
  EXPECT_EQ(script_of_letter(U'д'), Script::kCyrillic);
  EXPECT_EQ(script_of_letter(U'٣'), Script::kNone);  // a digit
  EXPECT_EQ(script_of_letter(U'«'), Script::kNone);
  EXPECT_EQ(script_of(U'ሆ'), Script::kEthiopic);
  EXPECT_EQ(script_of(U'𐎠'), Script::kOther);
  EXPECT_EQ(script_code(script_of(U'字')), "Hani");
  EXPECT_EQ(script_code(Script::kKana), "Jpan");
}

}  // namespace
}  // namespace valence::text
