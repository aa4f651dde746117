#include "text/segments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace valence::text {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> cut(std::string_view text, const std::vector<Segment>& segments) {
  std::vector<std::string> out;
  for (const Segment& segment : segments)
    out.emplace_back(text.substr(segment.begin, segment.end - segment.begin));
  return out;
}
std::vector<std::string> sentences_of(std::string_view text) { return cut(text, sentences(text)); }
std::vector<std::string> words_of(std::string_view text) { return cut(text, words(text)); }

TEST(Sentences, EndBehindTheirMarks) {
  EXPECT_THAT(
      sentences_of("I love it 😀! The screen broke after a day. Größe passt, so what? 好きです。とても。"),
      ElementsAre("I love it 😀!", "The screen broke after a day.", "Größe passt, so what?", "好きです。",
                  "とても。"));
  EXPECT_THAT(sentences_of("He said \"no.\" Then he left..."),
              ElementsAre("He said \"no.\"", "Then he left..."));
  EXPECT_THAT(sentences_of("هل أنت سعيد؟ نعم."), ElementsAre("هل أنت سعيد؟", "نعم."));
  EXPECT_THAT(sentences_of("यह अच्छा है। बहुत अच्छा।"), ElementsAre("यह अच्छा है।", "बहुत अच्छा।"));
}

TEST(Sentences, GoOnBehindAbbreviationsAndBeforeSmallLetters) {
  EXPECT_THAT(sentences_of("Dr. Smith met J. Doe at 3.5 p.m. today. Fine."),
              ElementsAre("Dr. Smith met J. Doe at 3.5 p.m. today.", "Fine."));
  EXPECT_THAT(sentences_of("Use apples, e.g. Gala. It was me and I. We won."),
              ElementsAre("Use apples, e.g. Gala.", "It was me and I.", "We won."));
}

TEST(Sentences, EndAtAnEmptyLineButNotAtALineEnd) {
  EXPECT_THAT(sentences_of("Title\n\nFirst line\nsecond line."),
              ElementsAre("Title", "First line\nsecond line."));
}

TEST(Sentences, OfNothingAreNone) {
  EXPECT_THAT(sentences_of(""), IsEmpty());
  EXPECT_THAT(sentences_of(" \n\t "), IsEmpty());
  EXPECT_THAT(sentences_of("Wow! !!! ..."), ElementsAre("Wow! !!! ..."));
  EXPECT_THAT(sentences_of("..."), ElementsAre("..."));
}

TEST(Words, AreLettersWithWhatHoldsThemTogether) {
  EXPECT_THAT(words_of("Don't buy this well-made, 5-star thing - it's cra'p'."),
              ElementsAre("Don't", "buy", "this", "well-made", "5-star", "thing", "it's", "cra'p"));
  EXPECT_THAT(words_of("e\xCC\x81t\xC3\xA9 नमस्ते"), ElementsAre("e\xCC\x81t\xC3\xA9", "नमस्ते"));
}

TEST(Words, AreWholeEmojiAndSingleIdeographs) {
  EXPECT_THAT(words_of("😀👩‍👩‍👧‍👦🇩🇪👍🏽!"),
              ElementsAre("😀", "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽"));
  EXPECT_THAT(words_of("好きです"), ElementsAre("好", "きです"));
  EXPECT_THAT(words_of("… — !"), IsEmpty());
}

}  // namespace
}  // namespace valence::text
