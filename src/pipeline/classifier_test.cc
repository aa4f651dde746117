#include "pipeline/classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>

#include "base/error.h"
#include "base/files.h"
#include "formats/json.h"
#include "formats/test_support.h"
#include "pipeline/quantize.h"

namespace valence::pipeline {
namespace {

using backend::WeightType;
using formats::Json;
using formats::ModelFiles;
using ::testing::ElementsAre;
using valence::testing::read_file;

// A tiny DistilBERT of 48 positions (tools/make_model_goldens.py).
ModelSource tiny(const std::string& name = "distilbert") {
  return {ModelFiles::from_folder(std::filesystem::path(GOLDENS) / name), name, "r1"};
}

std::vector<std::string> random_texts(size_t count) {
  const char* words[] = {"good", "bad",  "thing", "days",  "not", "i",
                         "love", "hate", "this",  "zebra", ".",   "quiz"};
  std::mt19937 random(5);
  std::vector<std::string> texts;
  for (size_t k = 0; k < count; ++k) {
    std::string text;
    for (size_t word = random() % 60; word-- > 0;)
      text += std::string(words[random() % std::size(words)]) + " ";
    texts.push_back(text + "good");
  }
  return texts;
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

void expect_same(const Result& a, const Result& b) {
  EXPECT_EQ(a.logits, b.logits);
  EXPECT_EQ(a.scores, b.scores);
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.windows, b.windows);
}

TEST(Classifier, AnswersWithScoresThatSumToOne) {
  const auto classifier = Classifier::load(tiny(), nullptr, {.threads = 1});
  EXPECT_THAT(classifier->labels(), ElementsAre("negative", "neutral", "positive"));
  const std::string_view text = "i love this thing";
  const Result result = classifier->classify({&text, 1}, 0).front();
  EXPECT_EQ(result.reject_reason, "");
  EXPECT_EQ(result.tokens, 6);
  EXPECT_EQ(result.windows, 1);
  EXPECT_FALSE(result.truncated);
  EXPECT_NEAR(result.scores[0] + result.scores[1] + result.scores[2], 1.0, 1e-6);
  EXPECT_NEAR(result.polarity, result.scores[2] - result.scores[0], 1e-6);
}

TEST(Classifier, ARowIsARow) {
  const std::vector<std::string> texts = random_texts(100);
  std::vector<std::string> backwards(texts.rbegin(), texts.rend());
  for (const WeightType type : {WeightType::kFp32, WeightType::kBf16, WeightType::kInt8, WeightType::kNf4}) {
    const auto classifier = Classifier::load(tiny(), nullptr, {.dtype = type, .threads = 2});
    const std::vector<Result> whole = classifier->classify(views(texts), 0);
    const std::vector<Result> together = classifier->classify_together(views(texts));
    const std::vector<Result> reversed = classifier->classify(views(backwards), 1);
    for (size_t k = 0; k < texts.size(); ++k) {
      const std::string_view alone = texts[k];
      expect_same(whole[k], classifier->classify({&alone, 1}, 1).front());
      expect_same(whole[k], together[k]);
      expect_same(whole[k], reversed[texts.size() - 1 - k]);
    }
  }
}

TEST(Classifier, RejectsWhatIsNoText) {
  const auto classifier = Classifier::load(tiny(), nullptr, {.threads = 1});
  const std::vector<std::string_view> texts{"", " \t", "good", "bad \xff", "day"};
  const std::vector<Result> results = classifier->classify(texts, 0);
  EXPECT_EQ(results[0].reject_reason, "empty_text");
  EXPECT_EQ(results[1].reject_reason, "empty_text");
  EXPECT_EQ(results[2].reject_reason, "");
  EXPECT_EQ(results[3].reject_reason, "invalid_encoding");
  EXPECT_EQ(results[4].reject_reason, "");
}

TEST(Classifier, AnAnswerThatIsNoNumberIsARejectedRow) {
  const ModelSource whole = tiny();
  const auto content = [&](const char* name) { return std::string(whole.files.open(name)->text()); };
  const std::string config = content("config.json"), vocab = content("vocab.txt");
  std::string weights = content("model.safetensors");
  // The last bytes of the file belong to a matrix that every text meets.
  std::memset(weights.data() + weights.size() - 64, 0xFF, 64);
  const auto bytes = [](const std::string& text) { return std::as_bytes(std::span(text)); };
  const ModelSource broken{ModelFiles::from_memory("broken", {{"config.json", bytes(config)},
                                                              {"vocab.txt", bytes(vocab)},
                                                              {"model.safetensors", bytes(weights)}}),
                           "broken", ""};
  const auto classifier = Classifier::load(broken, nullptr, {.threads = 1});
  const std::vector<std::string_view> texts{"good thing", "", "bad days"};
  const std::vector<Result> results = classifier->classify(texts, 0);
  EXPECT_EQ(results[0].reject_reason, "not_finite");
  EXPECT_EQ(results[1].reject_reason, "empty_text");
  EXPECT_EQ(results[2].reject_reason, "not_finite");
}

TEST(Classifier, LongTextsAreReadInWindowsCutOrRefused) {
  std::string text;
  for (int k = 0; k < 100; ++k) text += "good ";
  const std::string_view texts[] = {"good", text};
  const auto windows = Classifier::load(tiny(), nullptr, {.threads = 1})->classify(texts, 0);
  EXPECT_EQ(windows[0].windows, 1);
  EXPECT_EQ(windows[1].tokens, 102);
  EXPECT_EQ(windows[1].windows, 3);  // 46 words each, a quarter overlapping
  EXPECT_FALSE(windows[1].truncated);
  const auto cut = Classifier::load(tiny(), nullptr, {.long_text = LongText::kTruncate, .threads = 1});
  const Result truncated = cut->classify(texts, 0)[1];
  EXPECT_EQ(truncated.tokens, 102);
  EXPECT_EQ(truncated.windows, 1);
  EXPECT_TRUE(truncated.truncated);
  // All windows of the same word are the same sequence, and so is the cut text.
  EXPECT_EQ(windows[1].logits, truncated.logits);
  const auto strict = Classifier::load(tiny(), nullptr, {.long_text = LongText::kError, .threads = 1});
  const std::vector<Result> refused = strict->classify(texts, 0);
  EXPECT_EQ(refused[0].reject_reason, "");
  EXPECT_EQ(refused[1].reject_reason, "too_long");
}

TEST(Classifier, SaysWhereItsAnswersComeFrom) {
  const auto fp32 = Classifier::load(tiny(), nullptr, {.threads = 1});
  const auto int8 = Classifier::load(tiny(), nullptr, {.dtype = WeightType::kInt8, .threads = 1});
  EXPECT_EQ(fp32->provenance().sha256.size(), 64u);
  EXPECT_EQ(fp32->provenance().revision, "r1");
  EXPECT_EQ(int8->provenance().dtype, "int8");
  EXPECT_NE(fp32->fingerprint(), int8->fingerprint());
  EXPECT_EQ(fp32->fingerprint(), Classifier::load(tiny(), nullptr, {.threads = 2})->fingerprint());
}

TEST(Quantize, WritesFoldersThatAnswerAsTheTypeDoes) {
  const std::filesystem::path root = ::testing::TempDir() + "valence_quantize" + std::to_string(::getpid());
  std::filesystem::create_directories(root);
  const std::vector<std::string> texts = random_texts(20);
  for (const auto& [type, name] :
       {std::pair(WeightType::kInt8, "int8"), std::pair(WeightType::kNf4, "nf4")}) {
    quantize_model(tiny().files, type, std::nullopt, root / name);
    EXPECT_THROW(quantize_model(tiny().files, type, std::nullopt, root / name), Error) << "the folder exists";
    const ModelSource written{ModelFiles::from_folder(root / name), name, ""};
    const auto stored = Classifier::load(written, nullptr, {.threads = 1});
    const auto converted = Classifier::load(tiny(), nullptr, {.dtype = type, .threads = 1});
    EXPECT_EQ(stored->provenance().dtype, name);
    const auto a = stored->classify(views(texts), 0), b = converted->classify(views(texts), 0);
    for (size_t k = 0; k < texts.size(); ++k) {
      // The folder's NF4 rounds its scales to 8 bits as well, which a conversion on the way in need not.
      for (size_t label = 0; label < 3; ++label) EXPECT_NEAR(a[k].logits[label], b[k].logits[label], 0.4);
      if (type == WeightType::kInt8) expect_same(a[k], b[k]);
    }
    EXPECT_THROW(quantize_model(written.files, type, std::nullopt, root / "again"), Error)
        << "quantized already";
  }
  // Words in 4 bits are read in place, and are what the same words in 4 bits are anywhere.
  quantize_model(tiny().files, WeightType::kInt8, WeightType::kNf4, root / "mixed");
  const ModelSource mixed{ModelFiles::from_folder(root / "mixed"), "mixed", ""};
  const auto small = Classifier::load(mixed, nullptr, {.threads = 1});
  const auto wide = Classifier::load(mixed, nullptr, {.dtype = WeightType::kFp32, .threads = 1});
  const auto a = small->classify(views(texts), 0), b = wide->classify(views(texts), 0);
  for (size_t k = 0; k < texts.size(); ++k) {
    for (size_t label = 0; label < 3; ++label) EXPECT_NEAR(a[k].logits[label], b[k].logits[label], 0.8);
  }
  std::filesystem::remove_all(root);
}

TEST(Pairs, AnswerAsTransformersDoes) {
  for (const char* name : {"bert", "distilbert"}) {
    const auto classifier = Classifier::load(tiny(name), nullptr, {.threads = 2});
    const Json golden =
        Json::parse(read_file(std::filesystem::path(GOLDENS) / name / "pairs.json"), "pairs.json");
    std::vector<TextPair> pairs;
    for (const Json& row : golden.as_array("pairs")) {
      pairs.push_back({row.find("text")->as_string("text"), row.find("pair")->as_string("pair")});
    }
    const std::vector<Result> results = classifier->classify_pairs(pairs, 1);
    const std::vector<Result> together = classifier->classify_pairs_together(pairs);
    for (size_t k = 0; k < pairs.size(); ++k) {
      const Json& row = golden.as_array("pairs")[k];
      EXPECT_EQ(results[k].tokens, row.find("tokens")->as_int("tokens"));
      EXPECT_EQ(results[k].truncated, results[k].tokens > 48);
      for (size_t label = 0; label < 3; ++label) {
        const double expected = row.find("logits")->as_array("logits")[label].as_number("logit");
        EXPECT_NEAR(results[k].logits[label], expected, 1e-4) << name << " pair " << k;
      }
      expect_same(results[k], classifier->classify_pairs({&pairs[k], 1}, 0).front());
      expect_same(results[k], together[k]);
    }
  }
}

TEST(Pairs, StandBesideSingleTexts) {
  const auto classifier = Classifier::load(tiny("bert"), nullptr, {.threads = 1});
  const std::vector<TextPair> inputs{{"good day", "bad"}, {"good day"}, {" ", "bad"}, {"good", "\xff"}};
  const std::vector<Result> results = classifier->classify_pairs(inputs, 0);
  EXPECT_NE(results[0].logits, results[1].logits);
  const std::string_view alone = "good day";
  expect_same(results[1], classifier->classify({&alone, 1}, 0).front());
  EXPECT_EQ(results[2].reject_reason, "empty_text");
  EXPECT_EQ(results[3].reject_reason, "invalid_encoding");
}

TEST(Pairs, TooLongOnesAreRejectedWhereTextsAre) {
  const auto classifier =
      Classifier::load(tiny("bert"), nullptr, {.long_text = LongText::kError, .threads = 1});
  const std::string text(100, '.');
  const std::vector<TextPair> inputs{{"good", text}};
  EXPECT_EQ(classifier->classify_pairs(inputs, 0).front().reject_reason, "too_long");
}

TEST(Classifier, StopsBetweenTwoBatches) {
  std::atomic<bool> stop = true;
  const auto classifier = Classifier::load(tiny("bert"), nullptr, {.threads = 1, .stop = &stop});
  const std::string_view text = "good";
  EXPECT_THROW(classifier->classify({&text, 1}, 0), Error);
  stop = false;
  EXPECT_EQ(classifier->classify({&text, 1}, 0).front().reject_reason, "");
}

}  // namespace
}  // namespace valence::pipeline
