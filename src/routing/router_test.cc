#include "routing/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "pipeline/fake_classifier_for_test.h"

namespace valence::routing {
namespace {

using pipeline::FakeClassifier;
using pipeline::Reading;
using pipeline::Result;
using pipeline::Route;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kEnglish = "The staff were friendly and the room was clean";
constexpr std::string_view kGerman = "Das Essen war leider kalt und der Kellner unfreundlich";
constexpr std::string_view kRussian = "Очень плохой сервис, больше никогда сюда не приду";

// Two classifiers that write down what they are asked, and a router over both.
class RouterTest : public ::testing::Test {
 protected:
  Router router(RouterOptions options) {
    options.load_multilingual = [this] { return recording(multilingual_); };
    options.load_translator = [](const std::string&) { return nullptr; };
    return Router(recording(native_), std::move(options));
  }
  static RouterOptions with_table() {
    RouterOptions options;
    options.table =
        RouteTable({{"en", Route::kNative, 0.8, 1, false}, {"de", Route::kMultilingual, 0.7, 1, false}});
    return options;
  }
  std::vector<std::string> native_, multilingual_;

 private:
  std::unique_ptr<pipeline::Classifier> recording(std::vector<std::string>& texts) {
    return std::make_unique<FakeClassifier>(2, [&](std::span<const std::string_view> some, int) {
      const std::lock_guard lock(mutex_);
      texts.insert(texts.end(), some.begin(), some.end());
    });
  }
  std::mutex mutex_;
};

// Rows by two translators must not meet in one output.
TEST_F(RouterTest, FingerprintHoldsTheTranslators) {
  std::vector<std::string> asked;
  const auto print = [&](RouterOptions options, const std::string& translators) {
    options.translators = [&](const std::vector<std::string>& languages) {
      asked = languages;
      return translators;
    };
    return router(std::move(options)).fingerprint();
  };
  RouterOptions forced = with_table();
  forced.route = Route::kTranslated;
  EXPECT_EQ(print(forced, "a"), print(forced, "a"));
  EXPECT_NE(print(forced, "a"), print(forced, "b"));
  EXPECT_THAT(asked, ElementsAre("de", "en"));
  forced.language = "fr";
  print(forced, "a");
  EXPECT_THAT(asked, ElementsAre("fr", "de", "en"));
  print(with_table(), "a");
  EXPECT_THAT(asked, IsEmpty());
}

TEST_F(RouterTest, SendsEachTextToTheRouteOfItsLanguage) {
  Router router = this->router(with_table());
  const std::string_view texts[] = {kGerman, kEnglish, kRussian};
  const std::vector<Result> results = router.classify(texts, 0, {});
  EXPECT_THAT(native_, ElementsAre(kEnglish));
  EXPECT_THAT(multilingual_, ElementsAre(kGerman, kRussian));
  EXPECT_EQ(results[0].routing->language, "de");
  EXPECT_EQ(results[0].routing->route, Route::kMultilingual);
  EXPECT_GT(results[0].routing->confidence, 0.9);
  EXPECT_EQ(results[1].routing->route, Route::kNative);
  EXPECT_EQ(results[2].routing->language, "ru");
  for (size_t k = 0; k < 3; ++k) EXPECT_EQ(results[k].scores, FakeClassifier::answer(texts[k]).scores);
}

TEST_F(RouterTest, TextsWithoutALanguageGoByTheirScript) {
  Router router = this->router(with_table());
  const std::string_view texts[] = {"12345 :-)", "👍", "\xff"};
  const std::vector<Result> results = router.classify(texts, 0, {});
  EXPECT_THAT(multilingual_, IsEmpty());
  for (const Result& result : results) EXPECT_EQ(result.routing->language, "und");
}

TEST_F(RouterTest, BelievesTheCaller) {
  RouterOptions options = with_table();
  options.language = "fr";
  Router router = this->router(std::move(options));
  const std::string_view texts[] = {kEnglish, kEnglish, kEnglish};
  const std::string_view languages[] = {"DE-at", "", "no language"};
  Reading reading;
  reading.languages = languages;
  const std::vector<Result> results = router.classify_together(texts, reading);
  EXPECT_EQ(results[0].routing->language, "de");
  EXPECT_EQ(results[0].routing->confidence, 1);
  EXPECT_EQ(results[1].routing->language, "fr");
  EXPECT_EQ(results[2].routing->language, "en");  // detected: the column said nothing
}

TEST_F(RouterTest, AForcedRouteIsTaken) {
  RouterOptions options = with_table();
  options.route = Route::kMultilingual;
  Router router = this->router(std::move(options));
  const std::string_view texts[] = {kEnglish};
  EXPECT_EQ(router.classify(texts, 0, {})[0].routing->route, Route::kMultilingual);
  Reading reading;
  reading.route = Route::kNative;
  EXPECT_EQ(router.classify(texts, 0, reading)[0].routing->route, Route::kNative);
}

TEST_F(RouterTest, WithoutATranslatorAnotherRouteIsTakenAndSaid) {
  RouterOptions options = with_table();
  options.route = Route::kTranslated;
  Router router = this->router(std::move(options));
  const std::string_view texts[] = {kGerman, kEnglish};
  const std::vector<Result> results = router.classify(texts, 0, {});
  EXPECT_EQ(results[0].routing->route, Route::kMultilingual);
  EXPECT_THAT(results[0].routing->warnings, ElementsAre("translation_unavailable"));
  EXPECT_EQ(results[1].routing->route, Route::kNative);  // it is in English
  EXPECT_THAT(results[1].routing->warnings, IsEmpty());
}

TEST_F(RouterTest, WithoutATableAllIsNative) {
  Router router = this->router({});
  const std::string_view texts[] = {kGerman};
  EXPECT_EQ(router.classify(texts, 0, {})[0].routing->route, Route::kNative);
}

TEST(LanguageCode, IsWhatDetectSays) {
  EXPECT_EQ(language_code("de"), "de");
  EXPECT_EQ(language_code("pt_BR"), "pt");
  EXPECT_EQ(language_code("ceb"), "ceb");
  EXPECT_EQ(language_code("ha"), "ha");  // CLD2 names it
  EXPECT_EQ(language_code("xx-unknown"), "");
  EXPECT_EQ(language_code(""), "");
}

}  // namespace
}  // namespace valence::routing
