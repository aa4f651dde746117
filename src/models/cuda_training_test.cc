// Training passes on a GPU against those of the CPU. Needs a GPU: ctest's label gpu, scripts/gpu-tests.
#include <gtest/gtest.h>

#include <cmath>

#include "backend/cuda.h"
#include "models/tiny_training_for_test.h"

namespace valence::models {
namespace {

using nn::Parameter;

double relative_error(const std::vector<float>& values, const std::vector<float>& expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    difference += std::pow(static_cast<double>(values[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  // The keys' biases have a gradient of zero, as a softmax does not see them: what is left is rounding.
  return values.size() != expected.size() ? INFINITY : std::sqrt(difference) / std::max(std::sqrt(norm), 0.5);
}

std::vector<float> copied(const backend::Floats& values) {
  std::vector<float> copy;
  const std::span<const float> on_host = values.on_host(copy);
  return {on_host.begin(), on_host.end()};
}

struct CudaCase {
  TinyCase tiny;
  nn::PassOptions options = {};
};

class CudaTraining : public testing::TestWithParam<CudaCase> {
 protected:
  void SetUp() override {
    const backend::CudaDevice device = backend::find_cuda_device();
    if (!device.usable) GTEST_SKIP() << device.problem;
  }
};

TEST_P(CudaTraining, GivesTheGradientsOfTheCpu) {
  const CudaCase setup = GetParam();
  TinyTraining cpu(setup.tiny, setup.options);
  TinyTraining gpu(setup.tiny, setup.options, backend::make_cuda_training_backend());
  const std::vector<float> weights = cpu.random_weights();
  for (const std::optional<uint64_t> key : {std::optional<uint64_t>(), std::optional<uint64_t>(3)}) {
    EXPECT_LT(relative_error(gpu.logits(key), cpu.logits(key)), 1e-5);
    // Twice: what a step leaves behind must not show in the next.
    for (int round = 0; round < 2; ++round) {
      cpu.compute_gradients(weights, key);
      gpu.compute_gradients(weights, key);
      const auto expected = cpu.model().trained(), got = gpu.model().trained();
      ASSERT_EQ(got.size(), expected.size());
      for (size_t k = 0; k < got.size(); ++k) {
        EXPECT_LT(relative_error(dense_gradient(*got[k]), dense_gradient(*expected[k])), 1e-4)
            << got[k]->name << (key ? " with" : " without") << " dropout, round " << round;
      }
    }
  }
}

TEST_P(CudaTraining, UpdatesWeightsAsTheCpu) {
  const CudaCase setup = GetParam();
  for (const bool in_8_bits : {false, true}) {
    TinyTraining cpu(setup.tiny, setup.options);
    TinyTraining gpu(setup.tiny, setup.options, backend::make_cuda_training_backend());
    const std::vector<float> weights = cpu.random_weights();
    for (TinyTraining* tiny : {&cpu, &gpu}) {
      backend::TrainingBackend& backend = tiny->backend();
      for (int round = 0; round < 3; ++round) tiny->compute_gradients(weights);
      for (Parameter* parameter : tiny->model().trained()) {
        if (parameter->by_rows) continue;
        const int64_t count = parameter->count(),
                      blocks = (count + backend::kMomentBlock - 1) / backend::kMomentBlock;
        const auto memory = [&](int64_t values) { return backend.allocate(4 * static_cast<size_t>(values)); };
        const auto first = memory(count), second = memory(count), scales = memory(2 * blocks);
        auto* scale = static_cast<float*>(scales->data());
        for (int64_t step = 1; step <= 3; ++step) {
          backend::AdamW adamw;
          adamw.learning_rate = 1e-2f;
          adamw.weight_decay = 0.1f;
          adamw.step = step;
          if (in_8_bits) {
            backend.adamw_8bit(adamw, parameter->gradient.data(), count, parameter->value.data(),
                               {static_cast<uint8_t*>(first->data()), scale},
                               {static_cast<uint8_t*>(second->data()), scale + blocks});
          } else {
            backend.adamw(adamw, parameter->gradient.data(), count, parameter->value.data(),
                          static_cast<float*>(first->data()), static_cast<float*>(second->data()));
          }
        }
      }
    }
    const auto expected = cpu.model().trained(), got = gpu.model().trained();
    std::vector<std::span<const float>> parts, cpu_parts;
    for (size_t k = 0; k < got.size(); ++k) {
      // Where a gradient is next to nothing, its sign is chance, and AdamW's step is not small.
      if (relative_error(copied(expected[k]->gradient),
                         std::vector<float>(copied(expected[k]->gradient).size())) < 1)
        continue;
      EXPECT_LT(relative_error(copied(got[k]->value), copied(expected[k]->value)), in_8_bits ? 1e-2 : 1e-3)
          << got[k]->name << (in_8_bits ? " in 8 bits" : "");
      parts.emplace_back(got[k]->gradient.data(), static_cast<size_t>(got[k]->gradient.size()));
      cpu_parts.emplace_back(expected[k]->gradient.data(), static_cast<size_t>(expected[k]->gradient.size()));
    }
    const double sum = cpu.backend().sum_of_squares(cpu_parts);
    EXPECT_NEAR(gpu.backend().sum_of_squares(parts) / sum, 1, 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Tiny, CudaTraining,
                         testing::Values(CudaCase{{"bert", ""}}, CudaCase{{"distilbert", ""}},
                                         CudaCase{{"roberta", ""}},
                                         CudaCase{{"distilbert", "", TrainingMethod::kLora}},
                                         CudaCase{{"bert", "", TrainingMethod::kQlora}},
                                         CudaCase{{"distilbert-nf4", "", TrainingMethod::kQlora}},
                                         CudaCase{{"roberta", "lora-roberta", TrainingMethod::kLora}},
                                         CudaCase{{"distilbert", ""}, {.recompute = true}},
                                         CudaCase{{"bert", ""}, {.standard_attention = true}}));

}  // namespace
}  // namespace valence::models
