// Against the answers of transformers, PEFT and bitsandbytes on tiny checkpoints
// (tools/make_model_goldens.py).
#include "models/sequence_classifier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "backend/cpu/isa.h"
#include "base/error.h"
#include "base/threads.h"
#include "models/adapter.h"
#include "models/positions.h"
#include "models/tiny_models_for_test.h"

namespace valence::models {
namespace {

using backend::WeightType;

float greatest_difference(const std::vector<float>& got, const std::vector<std::vector<float>>& want) {
  float far = 0;
  size_t k = 0;
  for (const auto& row : want) {
    for (const float value : row) far = std::max(far, std::abs(got.at(k++) - value));
  }
  EXPECT_EQ(k, got.size());
  return far;
}

void expect_golden(const std::string& name, const std::string& adapter, std::optional<WeightType> type,
                   float most) {
  const auto backend = backend::make_cpu_backend();
  const ModelFiles files = golden_files(name);
  const std::optional<ModelFiles> changes =
      adapter.empty() ? std::nullopt : std::optional(golden_files(adapter));
  const SequenceClassifier model =
      load_sequence_classifier(files, changes ? &*changes : nullptr, type, *backend);
  const Golden golden = read_golden(adapter.empty() ? name : adapter);
  const std::vector<float> logits = classify_in_one_batch(model, *backend, golden.ids);
  EXPECT_LE(greatest_difference(logits, golden.logits), most) << name << ' ' << adapter;
  const auto labels = model.config.labels.size();
  for (size_t k = 0; k < golden.ids.size(); ++k) {  // a row is a row: alone, the very same bits
    const std::vector<float> alone = classify_in_one_batch(model, *backend, {golden.ids[k]});
    for (size_t label = 0; label < labels; ++label) EXPECT_EQ(alone[label], logits[k * labels + label]);
  }
}

class Plain : public testing::TestWithParam<const char*> {};

TEST_P(Plain, EqualsTransformers) { expect_golden(GetParam(), "", std::nullopt, 2e-5f); }

TEST_P(Plain, QuantizedStaysClose) {
  const backend::cpu::Kernels& kernels = backend::cpu::kernels_of_environment();
  // Of logits up to 8 in size: these weights are wide, so that the texts matter, and rounding does too. Where
  // bf16 is multiplied as such, activations are rounded as well.
  expect_golden(GetParam(), "", WeightType::kBf16, kernels.product_bf16 ? 0.2f : 0.1f);
  // Where int8 is summed in 16 bits its weights are about 1.8 times as coarse.
  expect_golden(GetParam(), "", WeightType::kInt8, kernels.largest_sum16 ? 0.8f : 0.4f);
}

INSTANTIATE_TEST_SUITE_P(Models, Plain, testing::Values("bert", "bert-old-names", "distilbert", "roberta"));

TEST(SequenceClassifier, ReadsBf16) { expect_golden("distilbert-bf16", "", WeightType::kFp32, 2e-5f); }

TEST(SequenceClassifier, RestoresNf4OfBitsandbytes) {
  for (const char* name : {"distilbert-nf4", "distilbert-nf4-double"}) {
    expect_golden(name, "", WeightType::kFp32, 2e-5f);
    expect_golden(name, "", std::nullopt, 0.05f);  // the word table in bf16
  }
}

TEST(SequenceClassifier, AppliesAdaptersOfPeft) {
  expect_golden("distilbert", "lora-distilbert", std::nullopt, 3e-5f);
  expect_golden("distilbert", "lora-distilbert-rs", std::nullopt, 3e-5f);
  expect_golden("bert", "lora-bert-bias", std::nullopt, 3e-5f);
  expect_golden("roberta", "lora-roberta", std::nullopt, 3e-5f);
}

TEST(SequenceClassifier, KeepsAnAdapterApartFromNf4) {
  const auto backend = backend::make_cpu_backend();
  const ModelFiles base = golden_files("distilbert-nf4"), adapter = golden_files("lora-distilbert-rs");
  const Golden golden = read_golden("lora-distilbert-rs");
  const SequenceClassifier merged = load_sequence_classifier(base, &adapter, WeightType::kFp32, *backend);
  const SequenceClassifier apart = load_sequence_classifier(base, &adapter, WeightType::kNf4, *backend);
  const std::vector<float> want = classify_in_one_batch(merged, *backend, golden.ids),
                           got = classify_in_one_batch(apart, *backend, golden.ids);
  for (size_t k = 0; k < want.size(); ++k) EXPECT_NEAR(got[k], want[k], 0.05f);
}

// A task beside the model's own answer: each as if it were alone, to the bit.
TEST(SequenceClassifier, AnswersSeveralTasksInOnePass) {
  const auto backend = backend::make_cpu_backend();
  struct Case {
    const char *base, *adapter;
  };
  for (const Case& names : {Case{"distilbert", "lora-distilbert"}, {"roberta", "lora-roberta"}}) {
    for (const WeightType type : {WeightType::kFp32, WeightType::kInt8}) {
      const ModelFiles base = golden_files(names.base), adapter = golden_files(names.adapter);
      const Golden golden = read_golden(names.base);
      const SequenceClassifier model = load_sequence_classifier(base, nullptr, type, *backend);
      const SequenceClassifier other = load_sequence_classifier(base, &adapter, type, *backend);
      const TaskClassifier task = load_task_classifier(base, adapter, type, *backend);
      EXPECT_EQ(task.config.labels, other.config.labels);
      std::vector<int32_t> ids, positions, lengths = {0};
      for (const auto& text : golden.ids) {
        ids.insert(ids.end(), text.begin(), text.end());
        lengths.push_back(static_cast<int32_t>(ids.size()));
      }
      set_positions(model.config, ids, lengths, positions);
      std::vector<float> own(golden.ids.size() * static_cast<size_t>(model.labels())),
          first(golden.ids.size() * static_cast<size_t>(task.labels())), second = first;
      const nn::Branch* branches[] = {&task.branch, &task.branch};
      const std::span<float> heads[] = {own, first, second};
      nn::Workspace workspace;
      nn::classify(*backend, model.encoder, model.head, branches, {ids, positions, lengths}, workspace,
                   heads);
      EXPECT_EQ(own, classify_in_one_batch(model, *backend, golden.ids)) << names.base;
      EXPECT_EQ(first, classify_in_one_batch(other, *backend, golden.ids)) << names.adapter;
      EXPECT_EQ(second, first);
    }
  }
}

// Embeddings are computed once for all tasks.
TEST(SequenceClassifier, RefusesATaskThatChangesEmbeddings) {
  const auto backend = backend::make_cpu_backend();
  try {
    load_task_classifier(golden_files("bert"), golden_files("lora-bert-bias"), WeightType::kFp32, *backend);
    FAIL() << "it has other embeddings";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("embeddings.LayerNorm.bias"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("--adapter"), std::string::npos) << error.what();
  }
}

TEST(SequenceClassifier, RefusesAnAdapterOfAnotherModel) {
  const auto backend = backend::make_cpu_backend();
  const ModelFiles adapter = golden_files("lora-roberta");
  EXPECT_THROW(load_sequence_classifier(golden_files("bert"), &adapter, std::nullopt, *backend), Error);
}

TEST(SequenceClassifier, ThreadsChangeNoBit) {
  ThreadPool pool(2);
  const auto alone = backend::make_cpu_backend(), shared = backend::make_cpu_backend(&pool);
  const Golden golden = read_golden("bert");
  for (const WeightType type : {WeightType::kFp32, WeightType::kBf16, WeightType::kInt8, WeightType::kNf4}) {
    const SequenceClassifier model = load_sequence_classifier(golden_files("bert"), nullptr, type, *alone);
    EXPECT_EQ(classify_in_one_batch(model, *alone, golden.ids),
              classify_in_one_batch(model, *shared, golden.ids));
  }
}

}  // namespace
}  // namespace valence::models
