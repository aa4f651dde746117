#include "train/meaning.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/utf8.h"

namespace valence::train {

using models::Problem;

namespace {

models::TrainingMethod method_of(const Settings& settings) {
  if (settings.method == "full") return models::TrainingMethod::kFull;
  return settings.method == "qlora" ? models::TrainingMethod::kQlora : models::TrainingMethod::kLora;
}

std::vector<std::string> labels_of(const Dataset& data, Problem problem, const models::ModelConfig& config,
                                   const std::string& where) {
  if (data.rows() == 0) {
    throw Error(ErrorCode::kBadData,
                where + ": no usable row is left" + (data.empty_texts() > 0 ? ", all texts are empty" : ""));
  }
  if (problem == Problem::kRegression) return {config.labels.size() == 1 ? config.labels[0] : "score"};
  std::vector<std::string> labels = data.names();
  std::ranges::sort(labels);
  if (labels.empty()) throw Error(ErrorCode::kBadData, where + ": no row has a label");
  if (problem == Problem::kSingleLabel && labels.size() == 1) {
    throw Error(ErrorCode::kBadData, where + ": all rows have one class, " + printable(labels.front(), 60) +
                                         ": there is nothing to tell apart");
  }
  return labels;
}

}  // namespace

void contradiction(const std::string& message) { throw Error(ErrorCode::kUsage, "train: " + message); }

void check_settings(const Settings& settings) {
  if (settings.data.empty()) contradiction("no data is named");
  if (settings.label_column.empty()) contradiction("--label-column is missing");
  if (settings.freeze != "none" && settings.method != "full") {
    contradiction("--freeze " + settings.freeze + " needs --method full: with " + settings.method +
                  " all weights of the model are frozen");
  }
  const bool words = settings.method == "full" && settings.freeze == "none";
  if (settings.lazy_words && (!words || settings.optimizer != "adamw"))
    contradiction("--lazy-words needs --method full, --freeze none and --optimizer adamw");
  if (settings.word_learning_rate > 0 && !words)
    contradiction("--word-learning-rate needs --method full and --freeze none");
  constexpr int64_t kMostRows = int64_t{1} << 30;
  if (settings.batch_size > kMostRows / settings.accumulation)
    contradiction("--batch-size times --accumulation is more than " + std::to_string(kMostRows) +
                  " rows a step");
  if (!is_valid_utf8(settings_as_toml(settings)))
    contradiction("a name that was given is not valid UTF-8, and train.toml could not hold it");
  const std::string& weights = settings.class_weights;
  if (weights != "none" && weights != "auto" && weights.find('=') == weights.npos) {
    contradiction("--class-weights: " + printable(weights, 60) + " is not none, auto, or LABEL=WEIGHT");
  }
}

Problem problem_of(const Settings& settings, Problem of_model) {
  if (settings.problem_type == "single_label_classification") return Problem::kSingleLabel;
  if (settings.problem_type == "multi_label_classification") return Problem::kMultiLabel;
  if (settings.problem_type == "regression") return Problem::kRegression;
  return settings.label_column.size() > 1 || !settings.label_separator.empty() ? Problem::kMultiLabel
                                                                               : of_model;
}

OptimizerOptions optimizer_of(const Settings& settings) {
  OptimizerOptions options;
  if (settings.optimizer == "adamw-8bit") options.kind = OptimizerKind::k8Bit;
  if (settings.optimizer == "paged-adamw-8bit") options.kind = OptimizerKind::kPaged8Bit;
  options.lazy_rows = settings.lazy_words;
  if (settings.word_learning_rate > 0)
    options.row_rate = settings.word_learning_rate / settings.learning_rate;
  return options;
}

models::TrainableSettings trainable_settings(const Settings& settings, const Dataset& data, Problem problem,
                                             const models::ModelConfig& config) {
  models::TrainableSettings out;
  out.method = method_of(settings);
  out.lora = {settings.rank, settings.alpha, settings.rslora, static_cast<float>(settings.dropout),
              settings.targets};
  out.freeze_words = settings.freeze == "embeddings";
  out.labels = labels_of(data, problem, config, printable(settings.data.front()));
  out.problem = problem;
  out.seed = static_cast<uint64_t>(settings.seed);
  out.bf16 = settings.dtype == "bf16";
  return out;
}

// "auto", or LABEL=W,LABEL=W; absent labels weigh 1.
std::vector<double> class_weights(const Settings& settings, const Dataset& data, Problem problem) {
  const std::string& setting = settings.class_weights;
  const std::vector<std::string>& names = data.names();
  if (setting == "none" || problem == Problem::kRegression) return {};
  std::vector<double> weights(names.size(), 1.0);
  if (setting == "auto") {
    const std::vector<int64_t> rows = data.rows_of_labels();
    for (size_t c = 0; c < weights.size(); ++c) {
      if (rows[c] == 0) continue;
      weights[c] =
          static_cast<double>(data.rows()) / static_cast<double>(static_cast<int64_t>(rows.size()) * rows[c]);
    }
    return weights;
  }
  for (size_t begin = 0; begin <= setting.size();) {
    const size_t end = std::min(setting.find(',', begin), setting.size());
    const std::string part = setting.substr(begin, end - begin);
    const size_t equals = part.rfind('=');
    const auto label = std::ranges::find(names, part.substr(0, equals));
    double weight = -1;
    if (equals != part.npos) {
      const char *first = part.data() + equals + 1, *last = part.data() + part.size();
      const auto [stop, error] = std::from_chars(first, last, weight);
      if (error != std::errc() || stop != last) weight = -1;
    }
    if (label == names.end() || !(weight >= 0 && weight < 1e6)) {
      contradiction("--class-weights: " + printable(part, 60) + " is not none, auto, or LABEL=WEIGHT");
    }
    weights[static_cast<size_t>(label - names.begin())] = weight;
    begin = end + 1;
  }
  return weights;
}

double rate_of_step(const Settings& settings, int64_t step, int64_t steps) {
  const auto all = static_cast<double>(steps), done = static_cast<double>(step);
  const double warmup = settings.warmup < 1 ? std::floor(settings.warmup * all) : settings.warmup;
  const double peak = settings.learning_rate;
  if (done < warmup) return peak * (done + 1) / warmup;
  const double progress = (done - warmup) / std::max(all - warmup, 1.0);
  if (settings.schedule == "linear") return peak * (1 - progress);
  if (settings.schedule == "cosine") return peak * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return peak;
}

std::vector<int64_t> shuffled_rows(const Settings& settings, const Dataset& data,
                                   const std::string& purpose) {
  std::vector<int64_t> order(static_cast<size_t>(data.rows()));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed_for(static_cast<uint64_t>(settings.seed), purpose));
  for (size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[random.below(k)]);
  return order;
}

Dataset split_validation(const Settings& settings, Dataset& data, Problem problem) {
  std::vector<int64_t> taken;
  if (settings.validation_share == 0) return data.split_off(taken);
  const std::vector<int64_t> order = shuffled_rows(settings, data, "validation");
  std::vector<int64_t> quota(data.names().size() + 1, 0);
  const auto group = [&](int64_t row) {
    return problem == Problem::kSingleLabel ? static_cast<size_t>(data.label(row)) : data.names().size();
  };
  for (int64_t row = 0; row < data.rows(); ++row) ++quota[group(row)];
  for (int64_t& count : quota) {
    count = static_cast<int64_t>(std::llround(settings.validation_share * static_cast<double>(count)));
  }
  for (const int64_t row : order) {
    if (quota[group(row)]-- > 0) taken.push_back(row);
  }
  if (static_cast<int64_t>(taken.size()) == data.rows()) {
    throw Error(ErrorCode::kBadData, printable(settings.data.front()) + ": of " +
                                         std::to_string(data.rows()) +
                                         " rows --validation-share leaves none to train on");
  }
  std::ranges::sort(taken);
  return data.split_off(taken);
}

}  // namespace valence::train
