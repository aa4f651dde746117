#include "train/evaluation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/positions.h"
#include "train/loss.h"

namespace valence::train {
namespace {

using models::Problem;

constexpr int64_t kBatchRows = 32;

// Answers and truth of all rows so far.
class Answers {
 public:
  Answers(Problem problem, int64_t labels, bool labels_of_files)
      : problem_(problem), labels_(labels), labels_of_files_(labels_of_files) {}

  void add(const Dataset& data, int64_t row, std::span<const float> logits) {
    if (problem_ == Problem::kMultiLabel) {
      const auto given = data.labels(row);
      for (int32_t c = 0; c < labels_; ++c) {
        true_bits_.push_back(std::ranges::find(given, c) != given.end());
        answer_bits_.push_back(logits[static_cast<size_t>(c)] > 0);
      }
    } else if (problem_ == Problem::kSingleLabel) {
      const auto is_in = [&](size_t c) { return !labels_of_files_ || data.labels_of_file(row)[c] != 0; };
      size_t best = 0;
      while (!is_in(best)) ++best;
      for (size_t c = best; c < logits.size(); ++c) {
        if (is_in(c) && logits[c] > logits[best]) best = c;
      }
      double sum = 0;
      for (size_t c = 0; c < logits.size(); ++c) {
        if (is_in(c)) sum += std::exp(static_cast<double>(logits[c]) - static_cast<double>(logits[best]));
      }
      truth_.push_back(data.label(row));
      answers_.push_back(static_cast<int32_t>(best));
      confidence_.push_back(1 / sum);
    }
  }
  std::optional<Metrics> metrics() const {
    if (problem_ == Problem::kSingleLabel)
      return classification_metrics(truth_, answers_, confidence_, labels_);
    if (problem_ == Problem::kMultiLabel) return multi_label_metrics(true_bits_, answer_bits_, labels_);
    return {};
  }

 private:
  const Problem problem_;
  const int64_t labels_;
  const bool labels_of_files_;
  std::vector<int32_t> truth_, answers_;
  std::vector<double> confidence_;
  std::vector<uint8_t> true_bits_, answer_bits_;
};

}  // namespace

void PackedRows::fill(const models::ModelConfig& config, const Dataset& data, std::span<const int64_t> rows) {
  ids_.clear();
  cumulative_lengths_.assign(1, 0);
  for (const int64_t row : rows) {
    const auto tokens = data.tokens(row);
    ids_.insert(ids_.end(), tokens.begin(), tokens.end());
    cumulative_lengths_.push_back(static_cast<int32_t>(ids_.size()));
  }
  models::set_positions(config, ids_, cumulative_lengths_, positions_);
}

Evaluation evaluate(nn::TrainingPass& pass, const models::ModelConfig& config, const Dataset& data,
                    bool labels_of_files) {
  const auto labels = config.labels.size();
  const LossSettings plain{config.problem, 0, {}, labels_of_files};
  Answers answers(config.problem, static_cast<int64_t>(labels), labels_of_files);
  Evaluation out;
  PackedRows packed;
  std::vector<int64_t> rows;
  std::vector<float> unused;
  for (int64_t begin = 0; begin < data.rows(); begin += kBatchRows) {
    rows.resize(static_cast<size_t>(std::min(kBatchRows, data.rows() - begin)));
    std::iota(rows.begin(), rows.end(), begin);
    packed.fill(config, data, rows);
    const auto logits = pass.forward(packed.batch(), std::nullopt);
    unused.resize(logits.size());
    out.loss += loss_and_gradient(plain, data, rows, logits, 1, unused) * static_cast<double>(rows.size()) /
                static_cast<double>(data.rows());
    for (size_t r = 0; r < rows.size(); ++r) answers.add(data, rows[r], logits.subspan(r * labels, labels));
  }
  out.metrics = answers.metrics();
  return out;
}

}  // namespace valence::train
