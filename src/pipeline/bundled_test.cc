// What the program carries: every model and adapter loads from memory and answers.
#include "pipeline/bundled.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "models/adapter.h"

namespace valence::pipeline {
namespace {

using testing::ElementsAre;

std::string answer(Classifier& classifier, std::string_view text) {
  const Result result = classifier.classify({&text, 1}, 0).front();
  return classifier.labels().at(static_cast<size_t>(result.label));
}

TEST(Bundled, ModelsTellThreeClassesApart) {
  for (const Bundled& bundled : bundled_models()) {
    const ModelSource source = source_of(bundled);
    EXPECT_EQ(source.name, bundled.name);
    EXPECT_TRUE(source.files.folder().empty());
    const auto classifier = Classifier::load(source, nullptr, {.threads = 1});
    EXPECT_THAT(classifier->labels(), ElementsAre("negative", "neutral", "positive"));
    EXPECT_EQ(answer(*classifier, "I love this, it is wonderful!"), "positive") << bundled.name;
    EXPECT_EQ(answer(*classifier, "I hate this, it is terrible."), "negative") << bundled.name;
  }
}

TEST(Bundled, TheMultilingualModelReadsOtherLanguages) {
  const auto classifier = Classifier::load(*find_bundled_model("multilingual"), nullptr, {.threads = 1});
  for (const char* good :
       {"Das ist wunderbar, ich liebe es!", "C'est magnifique, merci beaucoup !", "¡Me encanta, es genial!",
        "Отлично, мне очень нравится!", "정말 최고예요, 사랑해요"}) {
    EXPECT_EQ(answer(*classifier, good), "positive") << good;
  }
  for (const char* bad :
       {"Das ist schrecklich, ich hasse es.", "C'est horrible, je déteste.", "Qué asco, lo odio."})
    EXPECT_EQ(answer(*classifier, bad), "negative") << bad;
}

TEST(Bundled, AdaptersAnswerBesideTheDefault) {
  std::vector<TaskSource> tasks{{"sentiment", std::nullopt}};
  for (const Bundled& bundled : bundled_adapters()) {
    tasks.push_back({std::string(bundled.name), source_of(bundled)});
    EXPECT_EQ(models::adapter_base(tasks.back().adapter->files), "default") << bundled.name;
  }
  ClassifierOptions options{.threads = 1};
  options.tasks = tasks;
  const auto classifier = Classifier::load(default_model(), nullptr, options);
  const std::string_view text = "You are an idiot and I hate you.";
  const Result result = classifier->classify({&text, 1}, 0).front();
  ASSERT_EQ(result.tasks.size(), tasks.size());
  const auto label = [&](size_t k) {
    return classifier->tasks()[k].labels.at(static_cast<size_t>(result.tasks[k].label));
  };
  for (size_t k = 0; k < tasks.size(); ++k) {
    if (tasks[k].name == "offensive") {
      EXPECT_EQ(label(k), "offensive");
    } else if (tasks[k].name == "sentiment-2") {
      EXPECT_EQ(label(k), "negative");
    }
  }
}

TEST(Bundled, OtherNamesAreNone) {
  EXPECT_FALSE(find_bundled_model("irony"));
  EXPECT_FALSE(find_bundled_adapter("default"));
  EXPECT_FALSE(find_bundled_model(""));
}

}  // namespace
}  // namespace valence::pipeline
