#include "text/gpt2_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/aligned_text.h"
#include "text/tokenizer_for_test.h"

namespace valence::text {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> pieces_of(std::string_view text) {
  Gpt2Splitter splitter{Utf8Source(text)};
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = splitter.piece_end(begin);
    if (end <= begin) throw std::logic_error("a piece that is empty");
    out.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

// Expected: regex.findall of the pattern in the header, with Python's module regex.
TEST(Gpt2Split, TakesOneSpaceAlongWithAWord) {
  EXPECT_THAT(pieces_of("Hello  world"), ElementsAre("Hello", " ", " world"));
  EXPECT_THAT(pieces_of(" a"), ElementsAre(" a"));
  EXPECT_THAT(pieces_of("a   "), ElementsAre("a", "   "));
  EXPECT_THAT(pieces_of("   a"), ElementsAre("  ", " a"));
  EXPECT_THAT(pieces_of(" "), ElementsAre(" "));
  EXPECT_THAT(pieces_of(""), IsEmpty());
}

TEST(Gpt2Split, LeavesOtherWhiteSpaceAlone) {
  EXPECT_THAT(pieces_of("a\nb"), ElementsAre("a", "\n", "b"));
  EXPECT_THAT(pieces_of("a\n\nb"), ElementsAre("a", "\n", "\n", "b"));
  EXPECT_THAT(pieces_of("a \n b"), ElementsAre("a", " \n", " b"));
  EXPECT_THAT(pieces_of("a\u00A0b\u3000"), ElementsAre("a", "\u00A0", "b", "\u3000"));
}

TEST(Gpt2Split, CutsContractionsInLowerCaseOnly) {
  EXPECT_THAT(pieces_of("it's we're I'd they'll"),
              ElementsAre("it", "'s", " we", "'re", " I", "'d", " they", "'ll"));
  EXPECT_THAT(pieces_of("IT'S"), ElementsAre("IT", "'", "S"));
  EXPECT_THAT(pieces_of("don't've'm"), ElementsAre("don", "'t", "'ve", "'m"));
  EXPECT_THAT(pieces_of("'sa 'rx 'l"), ElementsAre("'s", "a", " '", "rx", " '", "l"));
  EXPECT_THAT(pieces_of("''s"), ElementsAre("''", "s"));
  EXPECT_THAT(pieces_of("'"), ElementsAre("'"));
}

TEST(Gpt2Split, KeepsLettersNumbersAndTheRestApart) {
  EXPECT_THAT(pieces_of("abc123!? x9"), ElementsAre("abc", "123", "!?", " x", "9"));
  EXPECT_THAT(pieces_of("\u00E9t\u00E9\u0661\u00BD\u2160"),
              ElementsAre("\u00E9t\u00E9", "\u0661\u00BD\u2160"));
  EXPECT_THAT(pieces_of("e\u0301 \U0001F600\u200D"), ElementsAre("e", "\u0301", " \U0001F600\u200D"));
}

TEST(Gpt2Split, CutsCodePointsAndUtf8Alike) {
  RandomTexts texts(29);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = texts.next();
    const std::u32string codes = to_utf32(text);
    Gpt2Splitter splitter{CodePointSource(codes)};
    std::vector<std::string> out;
    for (size_t begin = 0; begin < codes.size();) {
      const size_t end = splitter.piece_end(begin);
      ASSERT_GT(end, begin);
      out.push_back(to_utf8(std::u32string_view(codes).substr(begin, end - begin)));
      begin = end;
    }
    ASSERT_EQ(out, pieces_of(text)) << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace valence::text
