#include "train/metrics.h"

#include <algorithm>
#include <cmath>

namespace valence::train {
namespace {

constexpr int kBins = 15;

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

ClassMetrics class_metrics(int64_t right, int64_t answered, int64_t support) {
  const double precision = ratio(right, answered), recall = ratio(right, support);
  return {precision, recall, ratio(2 * right, answered + support), support};
}

void take_means(Metrics& metrics) {
  for (const ClassMetrics& c : metrics.classes) {
    metrics.macro_f1 += c.f1;
    metrics.macro_recall += c.recall;
  }
  const auto count = static_cast<double>(std::max<size_t>(metrics.classes.size(), 1));
  metrics.macro_f1 /= count;
  metrics.macro_recall /= count;
}

double calibration_error(std::span<const int32_t> truth, std::span<const int32_t> answers,
                         std::span<const double> confidence) {
  double right[kBins] = {}, sure[kBins] = {};
  for (size_t i = 0; i < truth.size(); ++i) {
    const int bin = std::clamp(static_cast<int>(std::ceil(confidence[i] * kBins)) - 1, 0, kBins - 1);
    right[bin] += truth[i] == answers[i];
    sure[bin] += confidence[i];
  }
  double sum = 0;
  for (int k = 0; k < kBins; ++k) sum += std::fabs(right[k] - sure[k]);
  return truth.empty() ? 0 : sum / static_cast<double>(truth.size());
}

}  // namespace

Metrics classification_metrics(std::span<const int32_t> truth, std::span<const int32_t> answers,
                               std::span<const double> confidence, int64_t classes) {
  Metrics metrics;
  metrics.rows = static_cast<int64_t>(truth.size());
  metrics.confusion.assign(static_cast<size_t>(classes),
                           std::vector<int64_t>(static_cast<size_t>(classes), 0));
  int64_t right = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    ++metrics.confusion[static_cast<size_t>(truth[i])][static_cast<size_t>(answers[i])];
    right += truth[i] == answers[i];
  }
  metrics.accuracy = ratio(right, metrics.rows);
  for (size_t c = 0; c < metrics.confusion.size(); ++c) {
    int64_t support = 0, answered = 0;
    for (size_t other = 0; other < metrics.confusion.size(); ++other) {
      support += metrics.confusion[c][other];
      answered += metrics.confusion[other][c];
    }
    metrics.classes.push_back(class_metrics(metrics.confusion[c][c], answered, support));
  }
  take_means(metrics);
  metrics.ece = calibration_error(truth, answers, confidence);
  return metrics;
}

Metrics multi_label_metrics(std::span<const uint8_t> truth, std::span<const uint8_t> answers,
                            int64_t classes) {
  Metrics metrics;
  const auto width = static_cast<size_t>(classes);
  metrics.rows = static_cast<int64_t>(truth.size() / width);
  int64_t equal = 0;
  for (size_t c = 0; c < width; ++c) {
    int64_t right = 0, answered = 0, support = 0;
    for (size_t i = c; i < truth.size(); i += width) {
      right += truth[i] & answers[i];
      answered += answers[i];
      support += truth[i];
      equal += truth[i] == answers[i];
    }
    metrics.classes.push_back(class_metrics(right, answered, support));
  }
  metrics.accuracy = ratio(equal, static_cast<int64_t>(truth.size()));
  take_means(metrics);
  return metrics;
}

double mcnemar_p(int64_t only_first, int64_t only_second) {
  const int64_t all = only_first + only_second, fewer = std::min(only_first, only_second);
  if (all == 0) return 1;
  double below = 0;  // P(at most `fewer` of `all` fair coins), in logarithms as 2^-all may underflow
  const double log_all = std::lgamma(static_cast<double>(all) + 1);
  for (int64_t k = 0; k <= fewer; ++k) {
    below +=
        std::exp(log_all - std::lgamma(static_cast<double>(k) + 1) -
                 std::lgamma(static_cast<double>(all - k) + 1) - static_cast<double>(all) * std::log(2.0));
  }
  return std::min(1.0, 2 * below);
}

}  // namespace valence::train
