// Training passes on tiny checkpoints: their logits are those of transformers, their gradients those that the
// logits themselves show.
#include "models/trainable_classifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/random.h"
#include "base/threads.h"
#include "formats/test_support.h"
#include "models/positions.h"
#include "models/sequence_classifier.h"
#include "models/tiny_models_for_test.h"
#include "models/tiny_training_for_test.h"

namespace valence::models {
namespace {

using nn::Parameter;

std::vector<float> values_of(const Parameter& parameter) {
  return {parameter.value.data(), parameter.value.data() + parameter.count()};
}

class Gradients : public ::testing::TestWithParam<TinyCase> {};

TEST_P(Gradients, AreThoseThatTheLogitsShow) {
  for (const std::optional<uint64_t> key : {std::optional<uint64_t>(), std::optional<uint64_t>(3)}) {
    TinyTraining tiny(GetParam());
    const std::vector<float> weights = tiny.random_weights();
    tiny.compute_gradients(weights, key);
    const auto value = [&] {
      const std::vector<float> logits = tiny.logits(key);
      double sum = 0;
      for (size_t i = 0; i < logits.size(); ++i)
        sum += static_cast<double>(logits[i]) * static_cast<double>(weights[i]);
      return sum;
    };
    Random random(7);
    int checked = 0;
    for (Parameter* parameter : tiny.model().trained()) {
      const std::vector<float> gradient = dense_gradient(*parameter), kept = values_of(*parameter);
      double norm = 0;
      for (const float g : gradient) norm += static_cast<double>(g) * static_cast<double>(g);
      norm = std::sqrt(norm);
      // The keys' biases have none: a softmax does not see them.
      if (norm < 1e-3) continue;
      ++checked;
      for (const bool along : {true, false}) {
        std::vector<double> direction(gradient.size());
        double length = 0, expected = 0;
        for (size_t i = 0; i < direction.size(); ++i) {
          // At random only where there is a gradient: else a large table hides it.
          direction[i] = along ? static_cast<double>(gradient[i]) : gradient[i] == 0 ? 0 : random.normal();
          length += direction[i] * direction[i];
        }
        length = std::sqrt(length);
        for (size_t i = 0; i < direction.size(); ++i)
          expected += direction[i] / length * static_cast<double>(gradient[i]);
        double sides[2];
        const double step = 2e-3;
        for (int side = 0; side < 2; ++side) {
          for (size_t i = 0; i < kept.size(); ++i) {
            parameter->value.data()[i] =
                kept[i] + static_cast<float>((side == 0 ? step : -step) * direction[i] / length);
          }
          sides[side] = value();
        }
        std::ranges::copy(kept, parameter->value.data());
        EXPECT_NEAR((sides[0] - sides[1]) / (2 * step), expected, 0.03 * norm + 0.01)
            << parameter->name << along;
      }
    }
    // Of an update only the half that does not begin at zero, and the head.
    EXPECT_GT(checked, GetParam().targets.size() == 2 ? 3 : 5);
  }
}

TEST_P(Gradients, TheLogitsAreThoseOfInference) {
  TinyTraining tiny(GetParam());
  const std::vector<float> logits = tiny.logits();
  size_t k = 0;
  for (const auto& row : tiny.golden().logits) {
    // New updates change nothing at first.
    for (const float value : row) EXPECT_NEAR(logits[k++], value, 3e-5f);
  }
}

// Other ways to the same gradients: recomputed layers, several threads, stored attention.
TEST_P(Gradients, AreTheSameBitsRecomputedAndOnThreads) {
  ThreadPool pool(3);
  TinyTraining plain(GetParam()), recomputed(GetParam(), {.recompute = true}),
      threaded(GetParam(), {}, &pool);
  const std::vector<float> weights = plain.random_weights();
  for (TinyTraining* tiny : {&plain, &recomputed, &threaded}) tiny->compute_gradients(weights, 9);
  const auto expected = plain.model().trained();
  for (TinyTraining* tiny : {&recomputed, &threaded}) {
    const auto got = tiny->model().trained();
    ASSERT_EQ(got.size(), expected.size());
    for (size_t k = 0; k < got.size(); ++k) {
      EXPECT_EQ(dense_gradient(*got[k]), dense_gradient(*expected[k])) << got[k]->name;
    }
  }
}

// What keeps nothing for a backward pass computes the same bits, and leaves none behind.
TEST_P(Gradients, AreTheSameBitsAfterAnInference) {
  TinyTraining plain(GetParam()), between(GetParam());
  const std::vector<float> weights = plain.random_weights();
  EXPECT_EQ(between.inferred(), plain.logits());
  for (TinyTraining* tiny : {&plain, &between}) tiny->compute_gradients(weights, 9);
  const auto expected = plain.model().trained(), got = between.model().trained();
  ASSERT_EQ(got.size(), expected.size());
  for (size_t k = 0; k < got.size(); ++k) {
    EXPECT_EQ(dense_gradient(*got[k]), dense_gradient(*expected[k])) << got[k]->name;
  }
}

TEST_P(Gradients, AreCloseWithStoredAttention) {
  TinyTraining flash(GetParam()), standard(GetParam(), {.standard_attention = true});
  const std::vector<float> weights = flash.random_weights();
  for (TinyTraining* tiny : {&flash, &standard}) tiny->compute_gradients(weights, 9);
  const auto expected = flash.model().trained(), got = standard.model().trained();
  for (size_t k = 0; k < got.size(); ++k) {
    const std::vector<float> a = dense_gradient(*expected[k]), b = dense_gradient(*got[k]);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-3) << got[k]->name;
  }
}

// A saved model is what inference reads: the same logits as in training.
TEST_P(Gradients, ASavedModelGivesTheSameLogits) {
  const TinyCase setup = GetParam();
  if (setup.method == TrainingMethod::kQlora) GTEST_SKIP() << "the saved adapter stands on fp32 weights";
  TinyTraining tiny(setup);
  Random random(11);
  for (Parameter* parameter : tiny.model().trained()) {
    for (float& value : std::span(parameter->value.data(), static_cast<size_t>(parameter->count())))
      value += static_cast<float>(0.02 * random.normal());
  }
  const std::vector<float> expected = tiny.logits();
  const valence::testing::TemporaryFolder folder;
  tiny.model().save(folder.path(), "base");
  const auto backend = backend::make_cpu_backend();
  const ModelFiles saved = ModelFiles::from_folder(folder.path());
  const bool full = setup.method == TrainingMethod::kFull;
  const SequenceClassifier model =
      full ? load_sequence_classifier(saved, nullptr, backend::WeightType::kFp32, *backend)
           : load_sequence_classifier(golden_files(setup.base), &saved, backend::WeightType::kFp32, *backend);
  const std::vector<float> got = classify_in_one_batch(model, *backend, tiny.golden().ids);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t k = 0; k < got.size(); ++k) EXPECT_NEAR(got[k], expected[k], 1e-4);
  // And goes on where it was.
  TinyTraining again(setup);
  again.model().restore(folder.path());
  EXPECT_EQ(again.logits(), expected);
}

const TinyCase kCases[] = {
    {"bert", ""},
    {"distilbert", ""},
    {"roberta", ""},
    {"bert", "", TrainingMethod::kFull, {}, true},
    {"bert", "", TrainingMethod::kLora, {"query", "value", "output.dense"}},
    {"bert", "", TrainingMethod::kLora, {"layer.2.intermediate.dense", "layer.2.output.dense"}},
    {"distilbert-nf4-double", "", TrainingMethod::kQlora, {"q_lin", "lin1", "lin2"}},
    {"distilbert", "lora-distilbert", TrainingMethod::kLora},
    {"roberta", "lora-roberta", TrainingMethod::kLora}};
INSTANTIATE_TEST_SUITE_P(Models, Gradients, ::testing::ValuesIn(kCases), [](const auto& one) {
  std::string name = one.param.base + "_" + one.param.adapter + "_" +
                     std::to_string(static_cast<int>(one.param.method)) +
                     (one.param.freeze_words ? "_frozen_words" : "") +
                     (one.param.targets.empty() ? "" : "_" + one.param.targets.front());
  std::ranges::replace_if(name, [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

TEST(TrainableClassifier, LeavesAFrozenWordTableAsItIs) {
  TinyTraining all({"bert", ""}), frozen({"bert", "", TrainingMethod::kFull, {}, true});
  const std::vector<float> weights = all.random_weights();
  for (TinyTraining* tiny : {&all, &frozen}) tiny->compute_gradients(weights);
  const auto expected = all.model().trained(), got = frozen.model().trained();
  ASSERT_EQ(got.size() + 1, expected.size());
  size_t k = 0;
  for (const Parameter* parameter : expected) {
    if (parameter->name.find("word_embeddings") != std::string::npos) continue;
    EXPECT_EQ(got[k]->name, parameter->name);
    EXPECT_EQ(dense_gradient(*got[k]), dense_gradient(*parameter)) << parameter->name;
    ++k;
  }
  EXPECT_EQ(k, got.size());
}

TEST(TrainableClassifier, KeepsAHeadOfTheSameLabels) {
  const auto backend = backend::make_cpu_training_backend();
  const ModelFiles files = golden_files("distilbert");
  TrainableSettings settings;
  settings.labels = read_config(files).labels;
  std::ranges::reverse(settings.labels);
  TrainableClassifier same(files, nullptr, settings, *backend);
  EXPECT_FALSE(same.has_new_head());
  EXPECT_EQ(same.config().labels, read_config(files).labels);
  settings.labels = {"bad", "good"};
  TrainableClassifier other(files, nullptr, settings, *backend);
  EXPECT_TRUE(other.has_new_head());
  EXPECT_EQ(other.config().labels, settings.labels);
}

TEST(TrainableClassifier, RefusesATargetThatNoMatrixHas) {
  const auto backend = backend::make_cpu_training_backend();
  TrainableSettings settings;
  settings.method = TrainingMethod::kLora;
  settings.labels = {"a", "b"};
  settings.lora.targets = {"q_lin", "k_line"};
  valence::testing::expect_error(ErrorCode::kUsage, "k_line", [&] {
    TrainableClassifier(golden_files("distilbert"), nullptr, settings, *backend);
  });
}

}  // namespace
}  // namespace valence::models
