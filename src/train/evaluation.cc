#include "train/evaluation.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "models/positions.h"
#include "train/answers.h"
#include "train/loss.h"

namespace valence::train {

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

std::string Evaluation::text() const {
  const std::string said = fmt::format("validation loss {:.4f}", loss);
  return metrics ? said + fmt::format(", accuracy {:.4f}, macro-F1 {:.4f}", accuracy(), macro_f1()) : said;
}

Evaluation evaluate(nn::TrainingPass& pass, const models::TrainableClassifier& model, const Dataset& data,
                    bool labels_of_files) {
  const models::ModelConfig& config = model.config();
  const auto labels = config.labels.size();
  const LossSettings plain{config.problem, 0, {}, labels_of_files};
  Answers answers(config.problem, static_cast<int64_t>(labels));
  Evaluation out;
  PackedRows packed;
  std::vector<int64_t> rows;
  std::vector<float> unused;
  for (int64_t row = 0; row < data.rows();) {
    rows.clear();
    for (int64_t tokens = 0; row < data.rows(); ++row) {
      tokens += static_cast<int64_t>(data.tokens(row).size());
      if (!rows.empty() && tokens > pass.tokens()) break;
      rows.push_back(row);
    }
    packed.fill(config, data, rows);
    const auto logits = pass.infer(packed.batch());
    model.release_pages();
    unused.resize(logits.size());
    out.loss += loss_and_gradient(plain, data, rows, logits, 1, unused) * static_cast<double>(rows.size()) /
                static_cast<double>(data.rows());
    for (size_t r = 0; r < rows.size(); ++r) {
      answers.add(data.labels(rows[r]), data.number(rows[r]), logits.subspan(r * labels, labels),
                  labels_of_files ? data.labels_of_file(rows[r]) : std::span<const uint8_t>());
    }
  }
  if (!std::isfinite(out.loss)) {
    throw Error(
        ErrorCode::kRuntime,
        "train: the weights give no finite answers any more: lower --learning-rate or look at the data");
  }
  out.metrics = answers.metrics();
  return out;
}

}  // namespace valence::train
