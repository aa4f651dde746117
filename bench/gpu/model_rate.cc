// The rate of a model alone on a GPU: token ids to logits, without tokenizing.
//
//   model_rate FOLDER LENGTHS SECONDS [fp32|bf16|nf4 [TOKENS]]
//
// LENGTHS is a file with the tokens of a text on each line; TOKENS the most of a batch. The texts (random
// ids) are sorted by length within calls of 1,024, packed into batches and computed by two streams at once,
// as `valence analyze` does. Prints one JSON object: texts/s, tokens/s, the products' TFLOP/s, and the
// TFLOP/s of one large bf16 product on the same GPU.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "backend/cuda.h"
#include "base/error.h"
#include "formats/model_files.h"
#include "models/positions.h"
#include "models/sequence_classifier.h"
#include "nn/encoder.h"

namespace {

using namespace valence;
using backend::WeightType;
using Clock = std::chrono::steady_clock;

constexpr int kStreams = 2;
constexpr size_t kTextsOfCall = 1024;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Work {
  std::vector<int32_t> ids, positions, cumulative_lengths;
  nn::Batch batch() const { return {ids, positions, cumulative_lengths}; }
};

std::vector<Work> make_batches(std::vector<int> lengths, const models::ModelConfig& config,
                               int64_t most_tokens) {
  std::mt19937 generator(1);
  std::vector<Work> batches;
  for (size_t begin = 0; begin < lengths.size(); begin += kTextsOfCall) {
    const size_t end = std::min(lengths.size(), begin + kTextsOfCall);
    std::sort(lengths.begin() + static_cast<ptrdiff_t>(begin), lengths.begin() + static_cast<ptrdiff_t>(end));
    Work work;
    const auto finish = [&] {
      if (work.ids.empty()) return;
      models::set_positions(config, work.ids, work.cumulative_lengths, work.positions);
      batches.push_back(std::move(work));
      work = {};
    };
    for (size_t k = begin; k < end; ++k) {
      if (static_cast<int64_t>(work.ids.size()) + lengths[k] > most_tokens) finish();
      if (work.ids.empty()) work.cumulative_lengths = {0};
      for (int i = 0; i < lengths[k]; ++i)
        work.ids.push_back(
            static_cast<int32_t>(5 + generator() % static_cast<uint32_t>(config.vocab_size - 5)));
      work.cumulative_lengths.push_back(static_cast<int32_t>(work.ids.size()));
    }
    finish();
  }
  return batches;
}

// Multiplications and additions of the products and of attention, for one pass over the batch.
double operations(const models::ModelConfig& c, const nn::Batch& batch) {
  const auto h = static_cast<double>(c.hidden), wide = static_cast<double>(c.intermediate);
  const auto tokens = static_cast<double>(batch.tokens()), texts = static_cast<double>(batch.sequences());
  double pairs = 0;
  for (int64_t s = 0; s < batch.sequences(); ++s) {
    const double length = batch.cumulative_lengths[static_cast<size_t>(s) + 1] -
                          batch.cumulative_lengths[static_cast<size_t>(s)];
    pairs += length * length;
  }
  const double layer = 2 * (4 * h * h + 2 * h * wide) * tokens + 4 * h * pairs;
  const double last = 2 * (2 * h * h * tokens + (2 * h * h + 2 * h * wide) * texts) + 4 * h * tokens;
  return layer * static_cast<double>(c.layers - 1) + last;
}

double peak_tflops(WeightType type) {
  constexpr int64_t kSize = 8192;
  const auto gpu = backend::make_cuda_backend(type);
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(kSize * kSize);
  for (float& value : values) value = normal(generator);
  const auto weight =
      gpu->make_linear({.out_features = kSize, .in_features = kSize, .fp32 = values.data()}, type, nullptr);
  // The table stands in for activations: rows of it are what gets multiplied.
  const auto table =
      gpu->make_table({.out_features = kSize, .in_features = kSize, .fp32 = values.data()}, type);
  const std::vector<float> one(kSize, 1.0f), zero(kSize, 0.0f);
  const auto norm = gpu->make_norm(one, zero, 1e-5f);
  std::vector<int32_t> ids(kSize), lengths = {0, kSize};
  for (int32_t i = 0; i < kSize; ++i) ids[static_cast<size_t>(i)] = i;
  const auto x = gpu->make_buffer(kSize * kSize), y = gpu->make_buffer(kSize * kSize);
  const auto small =
      gpu->make_linear({.out_features = 1, .in_features = kSize, .fp32 = values.data()}, type, nullptr);
  gpu->begin({ids, ids, lengths});
  gpu->embed(*table, *table, *norm, x->activations());
  std::vector<float> out(1);
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    gpu->logits(*small, x->activations(), 1, out);
    const auto start = Clock::now();
    constexpr int kTimes = 20;
    for (int k = 0; k < kTimes; ++k) gpu->linear(*weight, x->activations(), kSize, {}, y->activations());
    gpu->logits(*small, y->activations(), 1, out);
    best = std::max(best, 2e-12 * kSize * kSize * kSize * kTimes / seconds_since(start));
  }
  return best;
}

int run(const std::string& folder, const std::string& lengths_file, double seconds, WeightType type,
        int64_t most_tokens) {
  std::vector<int> lengths;
  std::ifstream file(lengths_file);
  for (int length; file >> length;) lengths.push_back(length);
  const WeightType compute = type == WeightType::kFp32 ? type : WeightType::kBf16;
  const auto loader = backend::make_cuda_backend(compute);
  const models::SequenceClassifier model =
      models::load_sequence_classifier(formats::ModelFiles::from_folder(folder), nullptr, type, *loader);
  const std::vector<Work> batches =
      make_batches(lengths, model.config, most_tokens > 0 ? most_tokens : loader->batch_tokens());
  std::atomic<size_t> next = 0, done_texts = 0, done_tokens = 0;
  std::atomic<double> done_operations = 0;
  std::atomic<bool> counts = false, stop = false;
  const auto work = [&] {
    const auto gpu = backend::make_cuda_backend(compute);
    nn::Workspace workspace;
    std::vector<float> logits;
    while (!stop) {
      const nn::Batch batch = batches[next++ % batches.size()].batch();
      logits.resize(static_cast<size_t>(batch.sequences() * model.labels()));
      nn::classify(*gpu, model.encoder, model.head, batch, workspace, logits);
      if (!counts) continue;
      done_texts += static_cast<size_t>(batch.sequences());
      done_tokens += static_cast<size_t>(batch.tokens());
      done_operations += operations(model.config, batch);
    }
  };
  std::vector<std::thread> streams;
  for (int s = 0; s < kStreams; ++s) streams.emplace_back(work);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto start = Clock::now();
  counts = true;
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  counts = false;
  const double took = seconds_since(start);
  stop = true;
  for (std::thread& stream : streams) stream.join();
  std::printf(
      "{\"texts_per_s\":%.0f,\"tokens_per_s\":%.0f,\"tflops\":%.1f,\"peak_tflops\":%.1f,\"batches\":%zu}\n",
      static_cast<double>(done_texts) / took, static_cast<double>(done_tokens) / took,
      done_operations / took * 1e-12, peak_tflops(compute), batches.size());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr, "usage: model_rate FOLDER LENGTHS SECONDS [fp32|bf16|nf4 [TOKENS]]\n");
    return 2;
  }
  const std::string type = count > 4 ? arguments[4] : "bf16";
  try {
    return run(arguments[1], arguments[2], std::atof(arguments[3]),
               type == "fp32"  ? WeightType::kFp32
               : type == "nf4" ? WeightType::kNf4
                               : WeightType::kBf16,
               count > 5 ? std::atoll(arguments[5]) : 0);
  } catch (const Error& error) {
    std::fprintf(stderr, "model_rate: %s\n", error.what());
    return exit_status(error.code());
  }
}
