#include "bench_measure.h"

#include <algorithm>

#include "base/interrupt.h"
#include "base/stopwatch.h"
#include "base/threads.h"

namespace valence::app {
namespace {

constexpr size_t kTextsOfACall = 200;

}  // namespace

Workload::Workload(std::vector<std::string> texts) : texts_(std::move(texts)) {
  const size_t copies = std::max<size_t>(1, kTextsOfACall / std::max<size_t>(1, texts_.size()));
  for (size_t i = 0; i < copies; ++i) views_.insert(views_.end(), texts_.begin(), texts_.end());
}

size_t Workload::calls() const { return (views_.size() + kTextsOfACall - 1) / kTextsOfACall; }

std::span<const std::string_view> Workload::call(size_t index) const {
  const size_t begin = index % calls() * kTextsOfACall;
  return std::span(views_).subspan(begin, std::min(kTextsOfACall, views_.size() - begin));
}

double operations_of(const models::ModelConfig& config, int64_t tokens) {
  const auto hidden = static_cast<double>(config.hidden), layers = static_cast<double>(config.layers);
  // Query, key, value and output, then the two matrices of the feed-forward part.
  const double weights =
      layers * (4 * hidden * hidden + 2 * hidden * static_cast<double>(config.intermediate));
  const auto t = static_cast<double>(tokens);
  return 2 * weights * t + 4 * t * t * hidden * layers;
}

Lengths measure_lengths(pipeline::Classifier& classifier, const models::ModelConfig& config,
                        const Workload& work) {
  Lengths sum;
  for (size_t i = 0; i < work.calls(); ++i) {
    for (const pipeline::Result& result : classifier.classify(work.call(i), 0)) {
      sum.tokens += static_cast<double>(result.tokens);
      sum.operations += operations_of(config, result.tokens);
    }
  }
  const auto count = static_cast<double>(work.texts());
  return {sum.tokens / count, sum.operations / count};
}

double measure_rate(pipeline::Classifier& classifier, const Workload& work, double seconds) {
  ThreadPool pool(classifier.workers());
  const size_t workers = static_cast<size_t>(pool.size());
  const auto time_of = [&](size_t rounds) {
    const Stopwatch watch;
    pool.run(rounds * workers * work.calls(), [&](size_t index, int worker) {
      check_interrupt();
      classifier.classify(work.call(index), worker);
    });
    return watch.seconds();
  };
  time_of(1);
  const double estimate = std::max(time_of(1), 1e-6);
  const auto rounds = static_cast<size_t>(std::clamp(seconds / estimate, 1.0, 1e6));
  return static_cast<double>(rounds * workers * work.texts()) / time_of(rounds);
}

Latency measure_latency(pipeline::Classifier& classifier, std::string_view text, int runs) {
  std::vector<double> times;
  const int warm_up = runs / 10;
  for (int i = 0; i < warm_up + runs; ++i) {
    check_interrupt();
    const Stopwatch watch;
    classifier.classify_together({&text, 1});
    if (i >= warm_up) times.push_back(watch.seconds() * 1000);
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[times.size() * 95 / 100]};
}

}  // namespace valence::app
