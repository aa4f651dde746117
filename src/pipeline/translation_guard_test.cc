#include "pipeline/translation_guard.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pipeline/letters.h"

namespace valence::pipeline {
namespace {

// Ids by words, so that loops show.
std::vector<int32_t> ids_of(std::string_view text) {
  std::vector<int32_t> ids;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    ids.push_back(
        static_cast<int32_t>(std::hash<std::string_view>()(text.substr(begin, end - begin)) % 100000));
    begin = end + 1;
  }
  return ids;
}

std::string judged(std::string_view source, std::string_view translation, std::string_view language = "en",
                   bool cut = false) {
  const std::vector<int32_t> source_ids = ids_of(source), ids = ids_of(translation);
  return status_name(judge({source, translation, source_ids, ids, cut, language}));
}

TEST(TranslationGuard, LetsTranslationsPass) {
  EXPECT_EQ(judged("Merci beaucoup pour votre aide", "Thank you very much for your help"), "ok");
  EXPECT_EQ(judged("très très très bon", "very very very good"), "ok");
  EXPECT_EQ(judged("这家酒店的房间非常干净", "The rooms of this hotel are very clean"), "ok");
  EXPECT_EQ(judged("Barack Obama, New York", "Barack Obama, New York"), "ok");
  EXPECT_EQ(judged("Cela a coûté 1 234,50 euros", "It cost 1,234.50 euros"), "ok");
  EXPECT_EQ(judged("trois cents personnes", "300 people"), "ok");
  EXPECT_EQ(judged("à 8 heures", "at eight o'clock"), "ok");
  EXPECT_EQ(judged("١٢٣ شخص", "123 people"), "ok");
  EXPECT_EQ(judged("😀", "😀"), "ok");
}

TEST(TranslationGuard, NamesWhatIsWrong) {
  const std::string source = "Le repas était très bon et le service rapide";
  EXPECT_EQ(judged(source, ""), "empty");
  EXPECT_EQ(judged(source, " "), "empty");
  EXPECT_EQ(judged(source, "good good good good good good good good"), "repeating");
  EXPECT_EQ(judged(source, "it was good and it was good and it was good and it was good and"), "repeating");
  EXPECT_EQ(judged(source, source), "copied");
  EXPECT_EQ(judged(source, "le repas était très bon et le service rapide."), "copied");
  EXPECT_EQ(judged("这家酒店的房间非常干净", "我们昨天去了北京"), "script");
  EXPECT_EQ(judged("Bonjour, je suis là", "Привет, я здесь"), "script");
  EXPECT_EQ(judged("Bonjour, je suis là", "Привет, я здесь", "ru"), "ok");
  EXPECT_EQ(judged(source, "The meal was good", "en", true), "length");
  EXPECT_EQ(judged(source + ", " + source + ", mais " + source + " et " + source, "Good"), "length");
  EXPECT_EQ(judged("J'ai payé 250 euros", "I paid 300 euros"), "numbers");
  EXPECT_EQ(judged("J'ai payé 250 euros", "I paid euros"), "numbers");
  EXPECT_EQ(judged("J'ai payé 250 euros", "I paid 250 euros and 40 cents"), "numbers");
}

TEST(TranslationGuard, KnowsLanguageCodes) {
  for (const char* code : {"en", "fr", "th", "zh", "ja", "ukr", "deu"})
    EXPECT_TRUE(is_language_code(code)) << code;
  for (const char* code : {"", "xx", "klingonish", "e", " ", "en fr"})
    EXPECT_FALSE(is_language_code(code)) << code;
}

}  // namespace
}  // namespace valence::pipeline
