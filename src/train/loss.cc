#include "train/loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace valence::train {
namespace {

using models::Problem;

// What of a row's target is `label`: all of its one label, or that label's share (Hinton et al. 2015).
double share_of(size_t label, std::span<const int32_t> labels, std::span<const float> shares) {
  const auto found = std::ranges::find(labels, static_cast<int32_t>(label));
  if (found == labels.end()) return 0;
  return shares.empty() ? 1 : static_cast<double>(shares[static_cast<size_t>(found - labels.begin())]);
}

// Cross-entropy with the target, the shares of `row`, spread over all labels by `smoothing` (Szegedy et al.
// 2016). Labels whose `counts` is 0 are left out; all count where it is empty.
double cross_entropy(std::span<const float> logits, const Dataset& data, int64_t row,
                     std::span<const uint8_t> counts, double smoothing, double scale,
                     std::span<float> d_logits) {
  const auto is_in = [&](size_t c) { return counts.empty() || counts[c] != 0; };
  double largest = -std::numeric_limits<double>::infinity(), sum = 0, labels = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    if (is_in(c)) largest = std::max(largest, static_cast<double>(logits[c]));
  }
  for (size_t c = 0; c < logits.size(); ++c) {
    if (!is_in(c)) continue;
    sum += std::exp(static_cast<double>(logits[c]) - largest);
    ++labels;
  }
  const double log_sum = largest + std::log(sum), share = smoothing / labels;
  double loss = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    d_logits[c] = 0;
    if (!is_in(c)) continue;
    const double log_p = static_cast<double>(logits[c]) - log_sum;
    const double target = share + (1 - smoothing) * share_of(c, data.labels(row), data.shares(row));
    loss -= target * log_p;
    d_logits[c] = static_cast<float>(scale * (std::exp(log_p) - target));
  }
  return loss;
}

// Of each label by itself: log(1 + e^x) - target x.
double binary_cross_entropy(std::span<const float> logits, std::span<const int32_t> labels,
                            const LossSettings& settings, double scale, std::span<float> d_logits) {
  double loss = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    const double x = logits[c];
    double target = std::ranges::find(labels, static_cast<int32_t>(c)) != labels.end() ? 1 : 0;
    target = target * (1 - settings.label_smoothing) + settings.label_smoothing / 2;
    const double weight = settings.class_weights.empty() ? 1 : settings.class_weights[c];
    loss += weight * (std::max(x, 0.0) - x * target + std::log1p(std::exp(-std::fabs(x))));
    d_logits[c] = static_cast<float>(scale * weight * (1 / (1 + std::exp(-x)) - target));
  }
  return loss;
}

}  // namespace

double loss_and_gradient(const LossSettings& settings, const Dataset& data, std::span<const int64_t> rows,
                         std::span<const float> logits, double scale, std::span<float> d_logits) {
  const size_t labels = logits.size() / rows.size();
  const double count =
      static_cast<double>(settings.problem == Problem::kSingleLabel ? rows.size() : logits.size());
  double sum = 0;
  for (size_t r = 0; r < rows.size(); ++r) {
    const auto row_logits = logits.subspan(r * labels, labels);
    const auto d_row = d_logits.subspan(r * labels, labels);
    switch (settings.problem) {
      case Problem::kSingleLabel: {
        const int32_t label = data.label(rows[r]);
        const double weight =
            settings.class_weights.empty() ? 1 : settings.class_weights[static_cast<size_t>(label)];
        const auto counts =
            settings.labels_of_files ? data.labels_of_file(rows[r]) : std::span<const uint8_t>();
        sum += weight * cross_entropy(row_logits, data, rows[r], counts, settings.label_smoothing,
                                      weight * scale / count, d_row);
        break;
      }
      case Problem::kMultiLabel:
        sum += binary_cross_entropy(row_logits, data.labels(rows[r]), settings, scale / count, d_row);
        break;
      case Problem::kRegression: {
        const double difference =
            static_cast<double>(row_logits[0]) - static_cast<double>(data.number(rows[r]));
        sum += difference * difference;
        d_row[0] = static_cast<float>(scale * 2 * difference / count);
        break;
      }
    }
  }
  return sum / count;
}

}  // namespace valence::train
