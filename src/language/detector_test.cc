#include "language/detector.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/error.h"

namespace valence::language {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Detector& detector() {
  static const Detector embedded = Detector::embedded();
  return embedded;
}

std::string language_of(std::string_view text) { return detector().detect(text).language; }

TEST(Detector, NamesTheLanguageOfASentence) {
  EXPECT_EQ(language_of("All human beings are born free and equal in dignity and rights."), "en");
  EXPECT_EQ(language_of("Alle Menschen sind frei und gleich an Würde und Rechten geboren."), "de");
  EXPECT_EQ(language_of("Todos los seres humanos nacen libres e iguales en dignidad y derechos"), "es");
  EXPECT_EQ(language_of("Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv."), "cs");
  EXPECT_EQ(language_of("Всі люди народжуються вільними і рівними у своїй гідності та правах."), "uk");
  EXPECT_EQ(language_of("تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔"), "ur");
}

TEST(Detector, TheScriptDecidesWhereItCan) {
  EXPECT_EQ(language_of("안녕하세요"), "ko");
  EXPECT_EQ(language_of("ありがとう"), "ja");
  EXPECT_EQ(language_of("东西很好"), "zh");
  EXPECT_EQ(language_of("ขอบคุณ"), "th");
  EXPECT_EQ(language_of("Ευχαριστώ"), "el");
  EXPECT_EQ(language_of("ευχαριστώ, iPhone!"), "el");
  EXPECT_EQ(language_of("Շնորհակալություն"), "hy");
}

// The tables of 160 languages, not the smaller ones that CLD2 has by itself.
TEST(Detector, KnowsTheLanguagesOfCld2sFullTables) {
  EXPECT_EQ(language_of("Ndị mmadụ niile ka a mụrụ n'ohere nakwa nha anya ugwu na ikike"), "ig");
}

TEST(Detector, TweetsAreReadWithoutTheirNamesAndLinks) {
  EXPECT_EQ(language_of("@RealNews @the_president ich glaub das einfach nicht 😂😂 https://t.co/the"), "de");
  EXPECT_EQ(language_of("RT @user: che bella giornata oggi!!! #happy #sun"), "it");
}

TEST(Detector, SaysUndWhereThereIsNoGround) {
  for (const char* text : {"", " ", "12:30 +49 30 1234", "😀👍🏽❤️", "@user @friend", "https://t.co/abcDEF",
                           "?!…", "asdfghjkl", "xcvbnm qwrtzp", "#monday"}) {
    const Detection found = detector().detect(text);
    EXPECT_EQ(found.language, "und") << text;
    EXPECT_EQ(found.confidence, 0) << text;
    EXPECT_THAT(found.parts, IsEmpty()) << text;
  }
}

TEST(Detector, ATextInOneLanguageHasOnePart) {
  const Detection found = detector().detect("  Das Wetter ist heute wirklich schön, oder etwa nicht?");
  EXPECT_EQ(found.script, "Latn");
  EXPECT_GT(found.confidence, 0.9);
  EXPECT_LE(found.confidence, 1);
  EXPECT_THAT(found.parts, ElementsAre(Part{2, 54, "de"}));
}

TEST(Detector, ANameInAnotherScriptIsNoPart) {
  EXPECT_EQ(detector().detect("Я вчера купил новый iPhone и очень доволен").parts.size(), 1u);
  EXPECT_EQ(detector().detect("今日はGoogleの本社に行きました").parts.size(), 1u);
}

TEST(Detector, CutsWhereTheScriptChanges) {
  const Detection found = detector().detect(
      "Сегодня очень хорошая погода, мы идём гулять. The weather is very nice today, let us walk.");
  ASSERT_EQ(found.parts.size(), 2u);
  EXPECT_EQ(found.parts[0].language, "ru");
  EXPECT_EQ(found.parts[1].language, "en");
  EXPECT_EQ(found.parts[1].begin, 46u);
}

TEST(Detector, CutsWhereTheLanguageChangesWithinAScript) {
  const Detection found = detector().detect(
      "The weather is very nice today and we want to go for a walk in the park. "
      "Aber morgen soll es leider den ganzen Tag regnen und wir bleiben lieber zu Hause.");
  ASSERT_EQ(found.parts.size(), 2u);
  EXPECT_EQ(found.parts[0].language, "en");
  EXPECT_EQ(found.parts[1].language, "de");
  EXPECT_NEAR(static_cast<double>(found.parts[1].begin), 73, 12);
  EXPECT_LE(found.parts[0].end, found.parts[1].begin);
}

TEST(Detector, CandidatesAreTheModelsOwn) {
  const auto candidates = detector().candidates("Bonjour tout le monde", 3);
  ASSERT_EQ(candidates.size(), 3u);
  EXPECT_EQ(candidates[0].language, "fr");
  EXPECT_GE(candidates[0].confidence, candidates[1].confidence);
}

// A text gets the same answer whatever was asked before and by whom.
TEST(Detector, ThreadsShareOne) {
  const std::vector<std::string> texts = {"Guten Tag zusammen", "Bonjour à tous", "buenos días a todos",
                                          "привет всем", "hello everyone here"};
  std::vector<Detection> expected;
  for (const auto& text : texts) expected.push_back(detector().detect(text));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 50; ++i) {
        const size_t n = (i + static_cast<size_t>(t)) % texts.size();
        const Detection found = detector().detect(texts[n]);
        EXPECT_EQ(found.language, expected[n].language);
        EXPECT_EQ(found.confidence, expected[n].confidence);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(Detector, AFileThatIsMissingOrBrokenIsRefused) {
  EXPECT_THROW(Detector::load("/nonexistent/model.ftz"), Error);
  EXPECT_THROW(Detector::load("/proc/self/status"), Error);
}

}  // namespace
}  // namespace valence::language
