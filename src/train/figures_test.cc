// Metrics, losses and settings: what is computed by a formula.
#include <gtest/gtest.h>

#include <cmath>

#include "formats/test_support.h"
#include "train/loss.h"
#include "train/metrics.h"
#include "train/settings.h"
#include "train/tokens_for_test.h"

namespace valence::train {
namespace {

using models::Problem;
using valence::testing::expect_error;
using valence::testing::TemporaryFolder;
using valence::testing::write_file;

// The figures of scikit-learn 1.7 for the same answers.
TEST(Metrics, OfThreeClasses) {
  const std::vector<int32_t> truth = {0, 0, 1, 1, 2, 2, 2}, answers = {0, 1, 1, 1, 2, 0, 2};
  const std::vector<double> sure = {0.9, 0.4, 0.6, 0.7, 0.8, 0.5, 1.0};
  const Metrics m = classification_metrics(truth, answers, sure, 3);
  EXPECT_NEAR(m.accuracy, 5.0 / 7, 1e-12);
  EXPECT_NEAR(m.classes[0].precision, 0.5, 1e-12);
  EXPECT_NEAR(m.classes[1].recall, 1.0, 1e-12);
  EXPECT_NEAR(m.macro_f1, (0.5 + 0.8 + 0.8) / 3, 1e-12);
  EXPECT_NEAR(m.macro_recall, (0.5 + 1 + 2.0 / 3) / 3, 1e-12);
  EXPECT_EQ(m.confusion, (std::vector<std::vector<int64_t>>{{1, 1, 0}, {0, 2, 0}, {1, 0, 2}}));
  EXPECT_EQ(m.classes[2].support, 3);
  // Each answer is alone in its bin.
  EXPECT_NEAR(m.ece, (0.1 + 0.4 + 0.4 + 0.3 + 0.2 + 0.5 + 0) / 7, 1e-12);
}

TEST(Metrics, OfAClassThatNobodyHasOrGives) {
  const std::vector<int32_t> truth = {0, 0}, answers = {0, 0};
  const Metrics m = classification_metrics(truth, answers, std::vector<double>{1, 1}, 2);
  EXPECT_EQ(m.macro_f1, 0.5);
  EXPECT_EQ(m.classes[1].f1, 0);
}

TEST(Metrics, OfSeveralLabels) {
  const std::vector<uint8_t> truth = {1, 0, 1, 1, 0, 0}, answers = {1, 1, 0, 1, 0, 0};
  const Metrics m = multi_label_metrics(truth, answers, 2);
  EXPECT_EQ(m.rows, 3);
  EXPECT_NEAR(m.accuracy, 4.0 / 6, 1e-12);
  EXPECT_NEAR(m.classes[0].recall, 0.5, 1e-12);
  EXPECT_NEAR(m.classes[1].precision, 0.5, 1e-12);
}

TEST(Metrics, PairedTest) {
  EXPECT_EQ(mcnemar_p(0, 0), 1);
  EXPECT_EQ(mcnemar_p(5, 5), 1);
  EXPECT_NEAR(mcnemar_p(0, 5), 2.0 / 32, 1e-12);
  EXPECT_NEAR(mcnemar_p(1, 9), 2 * 11.0 / 1024, 1e-12);
  EXPECT_NEAR(mcnemar_p(9, 1), mcnemar_p(1, 9), 1e-15);
}

// ---- Losses

Dataset rows_of(const std::string& content, LabelColumns columns, Problem problem) {
  const TemporaryFolder folder;
  write_file(folder / "data.csv", content);
  Dataset data;
  data.read(folder / "data.csv", columns, problem, LetterTokenizer(), 10);
  data.set_names(std::vector<std::string>(data.names()), "data.csv");
  return data;
}

// The gradient is that which the loss itself shows.
void expect_gradient(const LossSettings& settings, const Dataset& data, std::vector<float> logits) {
  std::vector<int64_t> rows(static_cast<size_t>(data.rows()));
  for (size_t k = 0; k < rows.size(); ++k) rows[k] = static_cast<int64_t>(k);
  std::vector<float> gradient(logits.size()), unused(logits.size());
  loss_and_gradient(settings, data, rows, logits, 0.5, gradient);
  for (size_t i = 0; i < logits.size(); ++i) {
    const float kept = logits[i];
    logits[i] = kept + 0.01f;
    const double above = loss_and_gradient(settings, data, rows, logits, 1, unused);
    logits[i] = kept - 0.01f;
    const double below = loss_and_gradient(settings, data, rows, logits, 1, unused);
    logits[i] = kept;
    EXPECT_NEAR(static_cast<double>(gradient[i]), 0.5 * (above - below) / 0.02, 1e-4) << i;
  }
}

TEST(Loss, HasItsGradient) {
  const Dataset single =
      rows_of("text,label\na,x\nb,y\nc,z\n", {"text", {"label"}, ""}, Problem::kSingleLabel);
  const std::vector<float> logits = {0.3f, -1, 2, 0.1f, 0.2f, -0.4f, 3, 1, 0.5f};
  expect_gradient({Problem::kSingleLabel, 0, {}}, single, logits);
  expect_gradient({Problem::kSingleLabel, 0.1, {0.5, 2, 1}}, single, logits);
  expect_gradient({Problem::kSingleLabel, 0.1, {0.5, 2, 1}, true}, single, logits);
  const Dataset multi =
      rows_of("text,label\na,x y\nb,z\nc,\n", {"text", {"label"}, " "}, Problem::kMultiLabel);
  expect_gradient({Problem::kMultiLabel, 0, {}}, multi, logits);
  expect_gradient({Problem::kMultiLabel, 0.2, {1, 2, 3}}, multi, logits);
  const Dataset numbers = rows_of("text,label\na,1\nb,-2\n", {"text", {"label"}, ""}, Problem::kRegression);
  expect_gradient({Problem::kRegression, 0, {}}, numbers, {0.5f, 3});
}

// A row whose label is the shares of a teacher: the gradient is the probabilities less the shares.
TEST(Loss, OfShares) {
  const Dataset data = rows_of("text,label\na,\"{\"\"x\"\":1,\"\"y\"\":3}\"\nb,z\n", {"text", {"label"}, ""},
                               Problem::kSingleLabel);
  ASSERT_EQ(data.names(), (std::vector<std::string>{"y", "x", "z"}));
  EXPECT_EQ(data.label(0), 0);
  EXPECT_EQ(data.rows_of_labels(), (std::vector<int64_t>{1, 0, 1}));
  expect_gradient({Problem::kSingleLabel, 0.1, {0.5, 2, 1}}, data, {0.3f, -1, 2, 0.1f, 0.2f, -0.4f});
  const std::vector<float> logits = {0, 0, 0};
  const std::vector<int64_t> rows = {0};
  std::vector<float> d(3);
  const double loss = loss_and_gradient({Problem::kSingleLabel, 0, {}}, data, rows, logits, 1, d);
  EXPECT_NEAR(loss, std::log(3.0), 1e-6);
  EXPECT_NEAR(d[0], 1.0 / 3 - 0.75, 1e-6);
  EXPECT_NEAR(d[1], 1.0 / 3 - 0.25, 1e-6);
  EXPECT_NEAR(d[2], 1.0 / 3, 1e-6);
}

// Two sets of which one lacks a class: its rows do not move that class.
TEST(Loss, OverTheLabelsOfAFile) {
  const TemporaryFolder folder;
  write_file(folder / "two.csv", "text,label\na,x\nb,y\n");
  write_file(folder / "three.csv", "text,label\na,x\nb,y\nc,z\n");
  Dataset data;
  for (const char* name : {"two.csv", "three.csv"}) {
    data.read(folder / name, {"text", {"label"}, ""}, Problem::kSingleLabel, LetterTokenizer(), 10);
  }
  data.set_names({"z", "y", "x"}, "here");
  const std::vector<float> logits = {5, 1, 1, 5, 1, 1};
  const std::vector<int64_t> rows = {0, 2};
  std::vector<float> d(6);
  loss_and_gradient({Problem::kSingleLabel, 0, {}, true}, data, rows, logits, 1, d);
  EXPECT_EQ(d[0], 0);
  EXPECT_NEAR(d[2], -0.25, 1e-6);  // half of the rows, and as likely as y
  EXPECT_GT(d[3], 0.4f);
}

TEST(Loss, IsTheMeanOfTheRows) {
  const Dataset single = rows_of("text,label\na,x\nb,y\n", {"text", {"label"}, ""}, Problem::kSingleLabel);
  std::vector<float> d(4);
  const std::vector<int64_t> rows = {0, 1};
  const double loss =
      loss_and_gradient({Problem::kSingleLabel, 0, {}}, single, rows, std::vector<float>{0, 0, 1, 1}, 1, d);
  EXPECT_NEAR(loss, std::log(2.0), 1e-7);
  // Logits that overflow an exponential do no harm.
  EXPECT_NEAR(loss_and_gradient({Problem::kSingleLabel, 0, {}}, single, rows,
                                std::vector<float>{1e4f, 0, 0, 1e4f}, 1, d),
              0, 1e-7);
}

// ---- Settings

TEST(Settings, ComeBackFromTheirFile) {
  const TemporaryFolder folder;
  Settings settings;
  settings.data = {"a b.csv", "\"quoted\".tsv"};
  settings.label_column = {"label"};
  settings.targets = {"q_lin", "v_lin"};
  settings.learning_rate = 3e-5;
  settings.alpha = 32;
  settings.shuffle = false;
  settings.seed = 0;
  settings.validation_share = 0;
  settings.early_stopping_patience = 2;
  const std::string text = settings_as_toml(settings);
  write_file(folder / "train.toml", text);
  Settings read;
  read_settings((folder / "train.toml").string(), read);
  EXPECT_EQ(settings_as_toml(read), text);
  EXPECT_EQ(read.data, settings.data);
  EXPECT_EQ(read.learning_rate, 3e-5);
  EXPECT_FALSE(read.shuffle);
}

TEST(Settings, NameTheLineOfAMistake) {
  const TemporaryFolder folder;
  const auto refuses = [&](const std::string& text, const std::string& part) {
    write_file(folder / "a.toml", text);
    Settings settings;
    expect_error(ErrorCode::kBadConfig, part, [&] { read_settings((folder / "a.toml").string(), settings); });
  };
  refuses("rank = 4\nrnak = 8\n", "a.toml:2: rnak is no setting");
  refuses("rank = \"four\"\n", "a.toml:1: rank: expected a number");
  refuses("rank = 0\n", "a.toml:1: rank: expected a whole number from 1");
  refuses("rank = 1.5\n", "rank");
  refuses("method = \"magic\"\n", "expected one of qlora, lora, full");
  refuses("method = 3\n", "expected a string");
  refuses("targets = \"q_lin\"\n", "expected a list");
  refuses("shuffle = 1\n", "expected true or false");
  refuses("schedule = = 3\n", "a.toml:1");
}

}  // namespace
}  // namespace valence::train
