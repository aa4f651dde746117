// What include/valence/ promises, from C and from C++, over the shared library itself.

#include <gtest/gtest.h>
#include <valence/classifier.h>
#include <valence/valence.h>

#include <cmath>
#include <cstring>
#include <list>
#include <numeric>
#include <thread>

extern "C" size_t labels_from_c(const char* model);

namespace {

const std::string kModels = GOLDENS;
const std::string kModel = kModels + "/bert";

valence::Options one_thread() {
  valence::Options options;
  options.threads = 1;
  return options;
}

// The status and message of the exception that `action` throws.
template <typename Action>
std::pair<int, std::string> error_of(Action action) {
  try {
    action();
  } catch (const valence::Error& error) {
    return {error.status(), error.what()};
  }
  return {VALENCE_OK, ""};
}

void expect_same(const valence::Result& a, const valence::Result& b) {
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.score, b.score);
  EXPECT_EQ(a.logits, b.logits);  // bit for bit
  EXPECT_EQ(a.scores, b.scores);
  EXPECT_EQ(a.tokens, b.tokens);
}

TEST(Library, LabelsATextFromC) { EXPECT_EQ(labels_from_c(kModel.c_str()), 3u); }

TEST(Library, CarriesADefaultModel) {
  valence::Classifier classifier("default", one_thread());
  EXPECT_EQ(classifier.labels(), (std::vector<std::string>{"negative", "neutral", "positive"}));
  EXPECT_EQ(classifier.classify("I love this").label, "positive");
  EXPECT_EQ(classifier.classify("worst day ever").label, "negative");
}

TEST(Library, ResultSaysAllThatIsKnown) {
  valence::Classifier classifier(kModel, one_thread());
  const valence::Result result = classifier.classify("a good day");
  ASSERT_EQ(result.scores.size(), 3u);
  ASSERT_EQ(result.logits.size(), 3u);
  EXPECT_NEAR(std::accumulate(result.scores.begin(), result.scores.end(), 0.0), 1, 1e-5);
  EXPECT_EQ(result.score, *std::max_element(result.scores.begin(), result.scores.end()));
  EXPECT_NEAR(result.polarity, result.scores[2] - result.scores[0], 1e-6);
  EXPECT_GT(result.tokens, 2);
  EXPECT_EQ(result.windows, 1);
  EXPECT_FALSE(result.truncated);
}

TEST(Library, ATextIsTheSameInAnyCompany) {
  valence::Classifier classifier(kModel);
  std::vector<std::string> texts;
  for (int k = 0; k < 400; ++k)
    texts.push_back("good day number " + std::string(static_cast<size_t>(k % 40), 'a'));
  const std::vector<valence::Result> many = classifier.classify_all(texts);
  ASSERT_EQ(many.size(), texts.size());
  for (size_t k = 0; k < texts.size(); k += 37) expect_same(many[k], classifier.classify(texts[k]));
  const std::list<std::string_view> few(texts.begin(), texts.begin() + 3);
  expect_same(classifier.classify_all(few).back(), many[2]);
}

TEST(Library, UnusableTextsAreNamedAndTheOthersAnswered) {
  valence::Options options = one_thread();
  options.long_text = "error";
  valence::Classifier classifier(kModel, options);
  const std::string too_long(400, '.');
  const auto results = classifier.classify_all({"good", "", " \t", "\xff\xfe", too_long, "bad"});
  const std::vector<std::string> reasons{"", "empty_text", "empty_text", "invalid_encoding", "too_long", ""};
  ASSERT_EQ(results.size(), reasons.size());
  for (size_t k = 0; k < reasons.size(); ++k) {
    EXPECT_EQ(results[k].error, reasons[k]);
    EXPECT_EQ(results[k].error_message.empty(), reasons[k].empty());
    EXPECT_EQ(results[k].label.empty(), !reasons[k].empty());
  }
  EXPECT_EQ(error_of([&] { classifier.classify("  "); }).first, VALENCE_USAGE);
  EXPECT_TRUE(classifier.classify_all(std::vector<std::string>{}).empty());
}

TEST(Library, LongTextsAsTheOptionSays) {
  const std::string text(400, '.');
  EXPECT_GT(valence::Classifier(kModel, one_thread()).classify(text).windows, 1);
  valence::Options options = one_thread();
  options.long_text = "truncate";
  const valence::Result cut = valence::Classifier(kModel, options).classify(text);
  EXPECT_EQ(cut.windows, 1);
  EXPECT_TRUE(cut.truncated);
}

TEST(Library, TakesAdaptersAndTypes) {
  valence::Options options = one_thread();
  valence::Classifier plain(kModels + "/distilbert", options);
  options.adapter = kModels + "/lora-distilbert";
  valence::Classifier adapted(kModels + "/distilbert", options);
  EXPECT_NE(adapted.classify("good").logits, plain.classify("good").logits);
  options.adapter.clear();
  options.dtype = "int8";
  valence::Classifier small(kModels + "/distilbert", options);
  EXPECT_NE(small.classify("good").logits, plain.classify("good").logits);
  EXPECT_NEAR(small.classify("good").logits[0], plain.classify("good").logits[0], 0.5);
}

TEST(Library, ErrorsHaveTheStatusOfTheProgramAndOneLine) {
  const auto load = [](const std::string& model, const valence::Options& options = {}) {
    return error_of([&] { valence::Classifier classifier(model, options); });
  };
  const auto with = [](auto member, const char* value) {
    valence::Options options;
    options.*member = value;
    return options;
  };
  const std::vector<std::tuple<std::pair<int, std::string>, int, std::string>> cases{
      {load("/not/here"), VALENCE_UNAVAILABLE, "/not/here"},
      {load("org/never-downloaded"), VALENCE_UNAVAILABLE, "org/never-downloaded"},
      {load(kModels), VALENCE_UNAVAILABLE, "config.json"},
      {load("default", with(&valence::Options::dtype, "int9")), VALENCE_USAGE, "int9"},
      {load("default", with(&valence::Options::social, "maybe")), VALENCE_USAGE, "maybe"},
      {load("default", with(&valence::Options::long_text, "x")), VALENCE_USAGE, "windows, truncate, error"},
      {load("default", with(&valence::Options::adapter, kModel.c_str())), VALENCE_BAD_CONFIG, "adapter"},
  };
  for (const auto& [got, status, words] : cases) {
    EXPECT_EQ(got.first, status) << got.second;
    EXPECT_NE(got.second.find(words), std::string::npos) << got.second;
    EXPECT_EQ(got.second.find('\n'), std::string::npos) << got.second;
  }
}

TEST(Library, NothingIsDownloaded) {
  // Nobody answers there: an attempt would be another error.
  ::setenv("HF_ENDPOINT", "http://127.0.0.1:9", 1);
  const auto [status, message] = error_of([] { valence::Classifier classifier("org/never-downloaded"); });
  ::unsetenv("HF_ENDPOINT");
  EXPECT_EQ(status, VALENCE_UNAVAILABLE);
  EXPECT_EQ(message.find("127.0.0.1"), std::string::npos) << message;
}

TEST(Library, SeveralThreadsShareAClassifier) {
  const valence::Classifier classifier(kModel);
  const valence::Result expected = classifier.classify("a good day");
  std::vector<std::thread> threads;
  std::vector<valence::Result> got(4);
  for (valence::Result& result : got) {
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) result = classifier.classify_all({"other", "a good day"}).back();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const valence::Result& result : got) expect_same(result, expected);
}

// --- What the C functions say to a caller that errs ------------------------------------------------------

TEST(LibraryInC, RefusesNullAndLeavesTheOutputNull) {
  auto* classifier = reinterpret_cast<valence_classifier*>(1);
  EXPECT_EQ(valence_load(nullptr, nullptr, &classifier), VALENCE_USAGE);
  EXPECT_EQ(classifier, nullptr);
  EXPECT_NE(std::strlen(valence_error_message()), 0u);
  EXPECT_EQ(valence_load("default", nullptr, nullptr), VALENCE_USAGE);
  auto* results = reinterpret_cast<valence_results*>(1);
  EXPECT_EQ(valence_classify(nullptr, nullptr, 0, &results), VALENCE_USAGE);
  EXPECT_EQ(results, nullptr);
  valence_free(nullptr);
  valence_results_free(nullptr);
}

TEST(LibraryInC, OptionsOfAnOlderCallerHaveDefaults) {
  // Such a caller knows `dtype` alone; what lies behind it in memory means nothing.
  valence_options options = VALENCE_OPTIONS_INIT;
  options.size = offsetof(valence_options, adapter);
  options.dtype = "fp32";
  options.social = "nonsense";
  options.threads = -7;
  valence_classifier* classifier = nullptr;
  EXPECT_EQ(valence_load(kModel.c_str(), &options, &classifier), VALENCE_OK) << valence_error_message();
  valence_free(classifier);
  options.size = 0;
  EXPECT_EQ(valence_load(kModel.c_str(), &options, &classifier), VALENCE_USAGE);
}

TEST(LibraryInC, ResultsOutliveTheirClassifierAndEndWithNull) {
  valence_classifier* classifier = nullptr;
  ASSERT_EQ(valence_load(kModel.c_str(), nullptr, &classifier), VALENCE_OK) << valence_error_message();
  EXPECT_EQ(valence_label(classifier, 3), nullptr);
  const valence_text texts[] = {{"good\0day", 8}, {nullptr, 0}};
  valence_results* results = nullptr;
  ASSERT_EQ(valence_classify(classifier, texts, 2, &results), VALENCE_OK) << valence_error_message();
  valence_free(classifier);
  ASSERT_EQ(valence_results_count(results), 2u);
  EXPECT_STREQ(valence_results_at(results, 1)->error, "empty_text");
  EXPECT_EQ(valence_results_at(results, 1)->scores, nullptr);
  EXPECT_TRUE(std::isfinite(valence_results_at(results, 0)->polarity));
  EXPECT_NE(valence_results_at(results, 0)->label, nullptr);
  EXPECT_EQ(valence_results_at(results, 2), nullptr);
  valence_results_free(results);
}

}  // namespace
