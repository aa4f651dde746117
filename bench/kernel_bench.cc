// links: valence_backend
// Single operations of the encoders against the peak of the core that they run on. Shapes: MiniLM (hidden
// 384, inner 1536), BERT base (768, 3072) and large (1024, 4096). The counters: GFLOP/s by the time of the
// processor, and their share of the peak measured at the start (`of_peak`), or bytes where no operation
// limits.
//
//     kernel_bench --benchmark_filter=linear/int8 --benchmark_repetitions=5
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/peak.h"

namespace valence::backend {
namespace {

constexpr int kHeadDim = 64;

std::vector<float> normal_values(int64_t count) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

double peak(WeightType type) {
  static const double peaks[] = {
      measured_peak_gflops(WeightType::kFp32), measured_peak_gflops(WeightType::kBf16),
      measured_peak_gflops(WeightType::kInt8), measured_peak_gflops(WeightType::kNf4)};
  return peaks[static_cast<int>(type)];
}

// `operations` of one iteration, a multiplication and its addition counting as two.
void count_operations(benchmark::State& state, WeightType type, double operations) {
  const double all = operations * static_cast<double>(state.iterations()) * 1e-9;
  state.counters["GFLOP/s"] = benchmark::Counter(all, benchmark::Counter::kIsRate);
  state.counters["of_peak"] = benchmark::Counter(all / peak(type), benchmark::Counter::kIsRate);
}

MatrixSource matrix(const std::vector<float>& values, int64_t out, int64_t in) {
  MatrixSource source;
  source.fp32 = values.data();
  source.out_features = out;
  source.in_features = in;
  return source;
}

// Arguments: rows, in, out.
void linear(benchmark::State& state, WeightType type, Activation activation) {
  const int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  const auto backend = make_cpu_backend();
  const auto weights = normal_values(out * in), x = normal_values(rows * in), bias = normal_values(out);
  const auto weight = backend->make_linear(matrix(weights, out, in), type, bias.data());
  std::vector<float> y(static_cast<size_t>(rows * out));
  for (auto _ : state) {
    backend->linear(*weight, x.data(), rows, {.activation = activation}, y.data());
    benchmark::ClobberMemory();
  }
  count_operations(state, type, 2.0 * static_cast<double>(rows * in * out));
}

std::vector<int32_t> equal_sequences(int64_t sequences, int64_t length) {
  std::vector<int32_t> cumulative(static_cast<size_t>(sequences) + 1);
  for (size_t s = 0; s < cumulative.size(); ++s)
    cumulative[s] = static_cast<int32_t>(s) * static_cast<int32_t>(length);
  return cumulative;
}

// Arguments: tokens of a sequence, heads. About 512 tokens together.
void attention(benchmark::State& state) {
  const int64_t length = state.range(0), heads = state.range(1), hidden = heads * kHeadDim;
  const int64_t sequences = std::max<int64_t>(1, 512 / length);
  const auto backend = make_cpu_backend();
  const auto qkv = normal_values(sequences * length * 3 * hidden);
  const auto cumulative = equal_sequences(sequences, length);
  std::vector<float> output(static_cast<size_t>(sequences * length * hidden));
  backend->begin({.cumulative_lengths = cumulative});
  for (auto _ : state) {
    backend->attention(qkv.data(), static_cast<int>(heads), kHeadDim, output.data());
    benchmark::ClobberMemory();
  }
  count_operations(state, WeightType::kFp32, 4.0 * static_cast<double>(sequences * length * length * hidden));
}

// Arguments: tokens of a sequence, heads. The operations are those of the absorbed form.
void attention_first_token(benchmark::State& state, WeightType type) {
  const int64_t length = state.range(0), heads = state.range(1), hidden = heads * kHeadDim;
  const int64_t sequences = std::max<int64_t>(1, 512 / length);
  const auto backend = make_cpu_backend();
  const auto key = normal_values(hidden * hidden), x = normal_values(sequences * length * hidden);
  const auto query = normal_values(sequences * hidden);
  const auto weight = backend->make_first_token(matrix(key, hidden, hidden), nullptr,
                                                matrix(key, hidden, hidden), nullptr, type);
  const auto cumulative = equal_sequences(sequences, length);
  std::vector<float> output(static_cast<size_t>(sequences * hidden));
  backend->begin({.cumulative_lengths = cumulative});
  for (auto _ : state) {
    backend->attention_first_token(*weight, query.data(), x.data(), static_cast<int>(heads), kHeadDim,
                                   output.data());
    benchmark::ClobberMemory();
  }
  count_operations(state, WeightType::kFp32,
                   4.0 * static_cast<double>(sequences * hidden * (hidden + length * heads)));
}

// Arguments: rows, columns. Two reads and a write of what the second-level cache holds.
void layer_norm(benchmark::State& state) {
  const int64_t rows = state.range(0), columns = state.range(1);
  const auto backend = make_cpu_backend();
  auto x = normal_values(rows * columns);
  const std::vector<float> gamma(static_cast<size_t>(columns), 1.0f),
      beta(static_cast<size_t>(columns), 0.0f);
  const auto norm = backend->make_norm(gamma, beta, 1e-12f);
  for (auto _ : state) {
    backend->normalize(*norm, rows, x.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * rows * columns * 8);
}

// Arguments: ids, columns. The rows of a batch, a position added to each.
void embed(benchmark::State& state, WeightType type) {
  const int64_t count = state.range(0), columns = state.range(1), rows = 30522;
  const auto backend = make_cpu_backend();
  const auto values = normal_values(rows * columns);
  const auto table = backend->make_table(matrix(values, rows, columns), type);
  const auto positions = backend->make_table(matrix(values, 512, columns), WeightType::kFp32);
  const std::vector<float> gamma(static_cast<size_t>(columns), 1.0f),
      beta(static_cast<size_t>(columns), 0.0f);
  const auto norm = backend->make_norm(gamma, beta, 1e-12f);
  std::vector<int32_t> ids(static_cast<size_t>(count)), places(ids.size());
  std::mt19937 generator(3);
  for (size_t k = 0; k < ids.size(); ++k) {
    ids[k] = static_cast<int32_t>(generator() % static_cast<uint32_t>(rows));
    places[k] = static_cast<int32_t>(k % 512);
  }
  const std::vector<int32_t> lengths = {0, static_cast<int32_t>(count)};
  backend->begin({ids, places, lengths});
  std::vector<float> y(static_cast<size_t>(count * columns));
  for (auto _ : state) {
    backend->embed(*table, *positions, *norm, y.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * count * columns * 4);
}

void linear_shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "in", "out"})->Unit(benchmark::kMicrosecond);
  for (const int64_t hidden : {384, 768, 1024}) {
    for (const int64_t rows : {8, 32, 128, 512}) {
      benchmark->Args({rows, hidden, 3 * hidden})
          ->Args({rows, hidden, 4 * hidden})
          ->Args({rows, 4 * hidden, hidden});
    }
  }
}

void attention_shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"length", "heads"})->Unit(benchmark::kMicrosecond);
  for (const int64_t length : {8, 25, 64, 128, 512}) benchmark->Args({length, 12});
}

void row_shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "columns"})->Unit(benchmark::kMicrosecond);
  for (const int64_t columns : {384, 768, 1024}) benchmark->Args({256, columns});
}

BENCHMARK_CAPTURE(linear, fp32, WeightType::kFp32, Activation::kNone)->Apply(linear_shapes);
BENCHMARK_CAPTURE(linear, bf16, WeightType::kBf16, Activation::kNone)->Apply(linear_shapes);
BENCHMARK_CAPTURE(linear, int8, WeightType::kInt8, Activation::kNone)->Apply(linear_shapes);
BENCHMARK_CAPTURE(linear, nf4, WeightType::kNf4, Activation::kNone)->Apply(linear_shapes);
BENCHMARK_CAPTURE(linear, fp32_gelu, WeightType::kFp32, Activation::kGelu)->Apply(linear_shapes);
BENCHMARK_CAPTURE(linear, int8_gelu, WeightType::kInt8, Activation::kGelu)->Apply(linear_shapes);
BENCHMARK(attention)->Apply(attention_shapes);
BENCHMARK_CAPTURE(attention_first_token, fp32, WeightType::kFp32)->Apply(attention_shapes);
BENCHMARK_CAPTURE(attention_first_token, int8, WeightType::kInt8)->Apply(attention_shapes);
BENCHMARK(layer_norm)->Apply(row_shapes);
BENCHMARK_CAPTURE(embed, fp32, WeightType::kFp32)->Apply(row_shapes);
BENCHMARK_CAPTURE(embed, nf4, WeightType::kNf4)->Apply(row_shapes);

}  // namespace
}  // namespace valence::backend
