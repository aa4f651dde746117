#include "language/clean_text.h"

#include <gmock/gmock.h>

namespace valence::language {
namespace {

std::string cleaned(std::string_view text) {
  CleanText clean;
  clean_text(text, clean);
  return clean.text;
}

TEST(CleanText, KeepsWordsInSmallLetters) {
  EXPECT_EQ(cleaned("Guten MORGEN, liebe Leute!"), "guten morgen liebe leute");
  EXPECT_EQ(cleaned("ПРИВЕТ мир"), "привет мир");
  EXPECT_EQ(cleaned("don't l\u2019eau mother-in-law -x- 'y'"), "don't l\u2019eau mother-in-law x y");
}

TEST(CleanText, DropsWhatIsNoLanguage) {
  EXPECT_EQ(cleaned("@user #Tag look https://t.co/abc?d=1 www.x.org me@mail.example http now"), "look now");
  EXPECT_EQ(cleaned("RT @a_b1: so &amp; so 12:30 3.5% 😀👍🏽"), "so so");
  EXPECT_EQ(cleaned("AT&T; R & D"), "at t r d");
  EXPECT_EQ(cleaned("❤️ 1️⃣ … !!!"), "");
  EXPECT_EQ(cleaned(""), "");
}

TEST(CleanText, ReadsStyledLettersAsPlainOnes) {
  EXPECT_EQ(cleaned("𝐓𝐡𝐢𝐬 is 𝒈𝒐𝒐𝒅, ｖｅｒｙ"), "this is good very");
}

TEST(CleanText, ShortensStretchedWords) { EXPECT_EQ(cleaned("Sooooo coool!!!"), "soo cool"); }

TEST(CleanText, SaysWhatLooksLikeATweet) {
  CleanText clean;
  for (const char* text : {"hi @you", "#so", "see http://x.y", "nice 😀", "sooooo"}) {
    clean_text(text, clean);
    EXPECT_TRUE(clean.informal) << text;
  }
  clean_text("An ordinary sentence, no. 12 (of 30).", clean);
  EXPECT_FALSE(clean.informal);
}

TEST(CleanText, WordsKnowWhereTheyStood) {
  CleanText clean;
  const std::u32string original = U"😀 é, Привет東京!";
  clean_text("😀 é, Привет東京!", clean);
  ASSERT_EQ(clean.words.size(), 3u);
  EXPECT_EQ(original.substr(clean.words[0].begin, clean.words[0].end - clean.words[0].begin), U"é");
  EXPECT_EQ(original.substr(clean.words[1].begin, clean.words[1].end - clean.words[1].begin), U"Привет");
  EXPECT_EQ(original.substr(clean.words[2].begin, clean.words[2].end - clean.words[2].begin), U"東京");
  EXPECT_EQ(clean.words[1].script, Script::kCyrillic);
  EXPECT_EQ(clean.words[2].script, Script::kHan);
  EXPECT_EQ(clean.of(clean.words[1]), "привет");
}

TEST(CleanText, HanWithKanaIsOneWord) {
  CleanText clean;
  clean_text("東京へ行く", clean);
  ASSERT_EQ(clean.words.size(), 1u);
  EXPECT_EQ(clean.words[0].script, Script::kKana);
}

}  // namespace
}  // namespace valence::language
