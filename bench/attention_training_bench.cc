// links: valence_backend
// Attention in training, forward and backward: flash (nothing of tokens x tokens stored) beside standard, on
// 12 heads of 64. The counter MB is what the probabilities of the standard way take in one layer.
#include <benchmark/benchmark.h>

#include <vector>

#include "backend/training.h"

namespace {

using valence::backend::AttentionShape;

constexpr int kHeads = 12, kDim = 64, kHidden = kHeads * kDim;
constexpr int64_t kTokens = 2048;  // of a batch, whatever the length of its texts

void attention(benchmark::State& state, bool stored) {
  const int64_t length = state.range(0);
  std::vector<int32_t> cumulative;
  for (int64_t at = 0; at <= kTokens; at += length) cumulative.push_back(static_cast<int32_t>(at));
  const auto values = [](int64_t count) {
    std::vector<float> out(static_cast<size_t>(count));
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(i * 7919 % 1000) / 1000.0f - 0.5f;
    return out;
  };
  const std::vector<float> query = values(kTokens * kHidden), key_value = values(kTokens * 2 * kHidden),
                           d_output = values(kTokens * kHidden);
  std::vector<float> output(query.size()), log_sums(static_cast<size_t>(kTokens * kHeads)),
      d_query(query.size()), d_key_value(key_value.size());
  std::vector<float> probabilities(stored ? static_cast<size_t>(kTokens * length * kHeads) : 0);
  AttentionShape shape{cumulative, kHeads, kDim, false, {}};
  if (stored) shape.probabilities = probabilities.data();
  const auto ops = valence::backend::make_cpu_training_backend();
  for (auto _ : state) {
    ops->attention_forward(shape, query.data(), key_value.data(), output.data(), log_sums.data());
    ops->attention_backward(shape, query.data(), key_value.data(), output.data(), log_sums.data(),
                            d_output.data(), d_query.data(), d_key_value.data());
    benchmark::DoNotOptimize(d_query.data());
  }
  state.counters["MB"] = static_cast<double>(probabilities.size() * sizeof(float)) / 1e6;
}

void flash(benchmark::State& state) { attention(state, false); }
void standard(benchmark::State& state) { attention(state, true); }
BENCHMARK(flash)->Arg(128)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);
BENCHMARK(standard)->Arg(128)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);

}  // namespace
