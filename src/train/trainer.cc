#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <numbers>
#include <numeric>
#include <set>

#include "backend/training.h"
#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "base/threads.h"
#include "formats/safetensors_writer.h"
#include "models/positions.h"
#include "models/trainable_classifier.h"
#include "text/tokenizer.h"
#include "train/dataset.h"
#include "train/loss.h"
#include "train/metrics.h"
#include "train/optimizer.h"
#include "train/report.h"
#include "train/run_state.h"

namespace valence::train {
namespace {

using models::Problem;

constexpr int64_t kMostSkippedSteps = 5;  // in a row
constexpr int64_t kEvaluationRows = 32;   // of a batch
constexpr const char* kStateName = "trainer_state.json";
constexpr const char* kSettingsName = "train.toml";
constexpr const char* kOptimizerName = "optimizer.safetensors";

[[noreturn]] void contradiction(const std::string& message) {
  throw Error(ErrorCode::kUsage, "train: " + message);
}

Problem problem_of(const Settings& settings, Problem of_model) {
  if (settings.problem_type == "single_label_classification") return Problem::kSingleLabel;
  if (settings.problem_type == "multi_label_classification") return Problem::kMultiLabel;
  if (settings.problem_type == "regression") return Problem::kRegression;
  return settings.label_column.size() > 1 || !settings.label_separator.empty() ? Problem::kMultiLabel : of_model;
}

models::TrainingMethod method_of(const Settings& settings) {
  if (settings.method == "full") return models::TrainingMethod::kFull;
  return settings.method == "qlora" ? models::TrainingMethod::kQlora : models::TrainingMethod::kLora;
}

OptimizerKind optimizer_of(const Settings& settings) {
  if (settings.optimizer == "adamw-8bit") return OptimizerKind::k8Bit;
  return settings.optimizer == "paged-adamw-8bit" ? OptimizerKind::kPaged8Bit : OptimizerKind::kFp32;
}

// "auto", or LABEL=W,LABEL=W; absent labels weigh 1.
std::vector<double> class_weights(const std::string& setting, const Dataset& data, Problem problem) {
  const std::vector<std::string>& names = data.names();
  if (setting == "none" || problem == Problem::kRegression) return {};
  std::vector<double> weights(names.size(), 1.0);
  if (setting == "auto") {
    std::vector<double> rows(names.size(), 0.0);
    for (int64_t r = 0; r < data.rows(); ++r) {
      for (const int32_t label : data.labels(r)) rows[static_cast<size_t>(label)] += 1;
    }
    for (size_t c = 0; c < weights.size(); ++c) {
      if (rows[c] > 0)
        weights[c] = static_cast<double>(data.rows()) / (static_cast<double>(weights.size()) * rows[c]);
    }
    return weights;
  }
  for (size_t begin = 0; begin <= setting.size();) {
    const size_t end = std::min(setting.find(',', begin), setting.size());
    const std::string part = setting.substr(begin, end - begin);
    const size_t equals = part.rfind('=');
    const auto label = std::ranges::find(names, part.substr(0, equals));
    double weight = -1;
    try {
      if (equals != part.npos) weight = std::stod(part.substr(equals + 1));
    } catch (const std::exception&) {
      weight = -1;
    }
    if (label == names.end() || !(weight >= 0 && weight < 1e6)) {
      contradiction("--class-weights: " + printable(part, 60) + " is not none, auto, or LABEL=WEIGHT");
    }
    weights[static_cast<size_t>(label - names.begin())] = weight;
    begin = end + 1;
  }
  return weights;
}

class Run {
 public:
  Run(const Settings& settings, const ModelSource& source, std::filesystem::path folder, const Watch& watch)
      : settings_(settings), source_(source), folder_(std::move(folder)), watch_(watch),
        pool_(settings.threads > 0 ? static_cast<int>(settings.threads) : usable_cores()),
        backend_(backend::make_cpu_training_backend(&pool_)), lookup_(backend::make_cpu_backend(&pool_)) {
    settings_.learning_rate = settings_.chosen_learning_rate();
  }

  Outcome fresh() {
    check_settings();
    load();
    // Only now, as nothing was refused: the folder and what a resumed run reads.
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed);
    if (failed) throw Error(ErrorCode::kRuntime, printable(folder_.string()) + ": " + failed.message());
    AtomicFile file(folder_ / kSettingsName);
    file.write(settings_as_toml(settings_));
    file.commit();
    prepare();
    return run();
  }

  Outcome again() {
    load();
    remove_leavings();
    prepare();
    if (const int64_t step = last_checkpoint(); step > 0) restore(step);
    return run();
  }

 private:
  using Clock = std::chrono::steady_clock;

  void check_settings() const {
    if (settings_.data.empty()) contradiction("no data is named");
    if (settings_.label_column.empty()) contradiction("--label-column is missing");
    if (settings_.class_weights != "none" && settings_.class_weights != "auto" &&
        settings_.class_weights.find('=') == std::string::npos) {
      contradiction("--class-weights: " + printable(settings_.class_weights, 60) +
                    " is not none, auto, or LABEL=WEIGHT");
    }
    std::error_code ignored;
    if (std::filesystem::exists(folder_, ignored) &&
        !(std::filesystem::is_directory(folder_, ignored) && std::filesystem::is_empty(folder_, ignored))) {
      contradiction(printable(folder_.string()) + " exists already: name a new folder, or --resume it");
    }
  }

  // ---- Data and model

  void load() {
    tokenizer_ = text::Tokenizer::load(source_.model);
    const models::ModelConfig config = models::read_config(source_.model, models::Expected::kEncoder);
    problem_ = problem_of(settings_, config.problem);
    const int64_t limit = std::min(settings_.max_length, models::longest_input(source_.model, config));
    const ColumnNames columns{settings_.text_column.empty() ? std::nullopt : std::optional(settings_.text_column),
                              settings_.label_column, settings_.label_separator};
    for (const std::string& file : settings_.data) data_.read(file, columns, problem_, *tokenizer_, limit);
    if (!settings_.validation.empty()) validation_.read(settings_.validation, columns, problem_, *tokenizer_, limit);
    report_rows(data_, limit);
    if (data_.rows() == 0) {
      throw Error(ErrorCode::kBadData, printable(settings_.data.front()) +
                                           ": no usable row is left" +
                                           (data_.empty_texts() > 0 ? ", all texts are empty" : ""));
    }
    std::vector<std::string> labels = data_.names();
    std::ranges::sort(labels);
    if (problem_ == Problem::kRegression) labels = {config.labels.size() == 1 ? config.labels[0] : "score"};
    if (problem_ == Problem::kSingleLabel && labels.size() == 1) {
      throw Error(ErrorCode::kBadData, printable(settings_.data.front()) + ": all rows have one class, " +
                                           printable(labels.front(), 60) + ": there is nothing to tell apart");
    }
    if (labels.empty()) {
      throw Error(ErrorCode::kBadData, printable(settings_.data.front()) + ": no row has a label");
    }
    models::TrainableSettings trainable;
    trainable.method = method_of(settings_);
    trainable.lora = {settings_.rank, settings_.alpha, settings_.rslora, static_cast<float>(settings_.dropout),
                      settings_.targets};
    trainable.labels = labels;
    trainable.problem = problem_;
    trainable.seed = static_cast<uint64_t>(settings_.seed);
    model_.emplace(source_.model, source_.adapter ? &*source_.adapter : nullptr, trainable, *lookup_);
    if (problem_ != Problem::kRegression) {
      data_.set_names(model_->config().labels, settings_.data.front());
      if (!settings_.validation.empty()) validation_.set_names(model_->config().labels, settings_.validation);
    }
    if (settings_.validation.empty()) split_validation();
    for (nn::Parameter* parameter : model_->trained()) trainable_ += parameter->count();
  }

  void report_rows(const Dataset& data, int64_t limit) const {
    if (data.empty_texts() > 0) warn(fmt::format("{} rows have an empty text and are skipped", data.empty_texts()));
    for (const auto& [reason, count] : data.rejects()) warn(fmt::format("{} rows are skipped: {}", count, reason));
    if (data.cut_texts() > 0) {
      warn(fmt::format("{} texts are longer than {} tokens and are cut", data.cut_texts(), limit));
    }
  }

  // The same share of each class.
  void split_validation() {
    if (settings_.validation_share == 0) return;
    std::vector<int64_t> order = shuffled_rows("validation");
    std::vector<int64_t> quota(data_.names().size() + 1, 0);
    const auto group = [&](int64_t row) {
      return problem_ == Problem::kSingleLabel ? static_cast<size_t>(data_.label(row)) : data_.names().size();
    };
    for (int64_t row = 0; row < data_.rows(); ++row) ++quota[group(row)];
    for (int64_t& count : quota) {
      count = static_cast<int64_t>(std::llround(settings_.validation_share * static_cast<double>(count)));
    }
    std::vector<int64_t> taken;
    for (const int64_t row : order) {
      if (quota[group(row)]-- > 0) taken.push_back(row);
    }
    std::ranges::sort(taken);
    validation_ = data_.split_off(taken);
  }

  std::vector<int64_t> shuffled_rows(const std::string& purpose) const {
    std::vector<int64_t> order(static_cast<size_t>(data_.rows()));
    std::iota(order.begin(), order.end(), 0);
    Random random(seed_for(static_cast<uint64_t>(settings_.seed), purpose));
    for (size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[random.below(k)]);
    return order;
  }

  void prepare() {
    pass_.emplace(model_->model(), *backend_, settings_.recompute);
    optimizer_.emplace(optimizer_of(settings_), model_->trained(), folder_);
    loss_ = {problem_, settings_.label_smoothing, class_weights(settings_.class_weights, data_, problem_)};
    const int64_t per_step = settings_.batch_size * settings_.accumulation;
    steps_per_epoch_ = (data_.rows() + per_step - 1) / per_step;
    state_.steps = settings_.steps > 0
                       ? settings_.steps
                       : std::max<int64_t>(1, std::llround(settings_.epochs * static_cast<double>(steps_per_epoch_)));
    say_plan();
  }

  void say_plan() const {
    std::string balance;
    if (problem_ == Problem::kSingleLabel) {
      std::vector<int64_t> rows(data_.names().size(), 0);
      for (int64_t r = 0; r < data_.rows(); ++r) ++rows[static_cast<size_t>(data_.label(r))];
      for (size_t c = 0; c < rows.size() && c < 12; ++c) {
        balance += fmt::format("{} {} {:.1f}%", c == 0 ? ":" : ",", printable(data_.names()[c], 40),
                               100.0 * static_cast<double>(rows[c]) / static_cast<double>(data_.rows()));
      }
    }
    say(fmt::format("{} rows to train on, {} to validate; {} labels{}", data_.rows(), validation_.rows(),
                    model_->config().labels.size(), balance));
    say(fmt::format("{}: {} of {} parameters are trained ({:.2f}%){}", settings_.method, trainable_,
                    model_->parameters(),
                    100.0 * static_cast<double>(trainable_) / static_cast<double>(model_->parameters()),
                    model_->has_new_head() ? "; the head is new" : ""));
    say(fmt::format("{} steps of {} x {} rows ({} a pass over the data), about {} MB of memory", state_.steps,
                    settings_.accumulation, settings_.batch_size, steps_per_epoch_, expected_megabytes()));
  }

  // What weights, gradients, moments and the activations of a batch of average texts take.
  int64_t expected_megabytes() const {
    const models::ModelConfig& config = model_->config();
    const auto trained = static_cast<double>(trainable_);
    const double frozen_bytes = settings_.method == "full" ? 0 : settings_.method == "qlora" ? 0.56 : 4;
    const auto words = static_cast<double>(config.vocab_size * config.hidden);
    const double frozen = (static_cast<double>(model_->parameters()) - words) * frozen_bytes;
    const double moments = optimizer_of(settings_) == OptimizerKind::kFp32 ? 8 : 2;
    const double weights = trained * (8 + moments) - (settings_.method == "full" ? 4 * words : 0);
    double tokens = 0;
    for (int64_t r = 0; r < data_.rows(); ++r) tokens += static_cast<double>(data_.tokens(r).size());
    tokens *= static_cast<double>(settings_.batch_size) / static_cast<double>(data_.rows());
    const double layers = settings_.recompute ? 2 : static_cast<double>(config.layers);
    const double activations =
        4 * tokens * layers * static_cast<double>(7 * config.hidden + config.intermediate);
    return static_cast<int64_t>((frozen + weights + activations) / 1e6) + 40;
  }

  // ---- The loop

  Outcome run() {
    const auto began = Clock::now();
    int64_t texts = 0;
    const int64_t first = state_.step;
    while (state_.step < state_.steps && !stopped_early()) {
      texts += step();
      const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
      const double pace = seconds / static_cast<double>(state_.step - first);
      texts_per_second_ = static_cast<double>(texts) / std::max(seconds, 1e-9);
      if (watch_.progress) {
        watch_.progress({state_.step, state_.steps, last_loss_, last_rate_, texts_per_second_,
                         pace * static_cast<double>(state_.steps - state_.step)});
      }
      const bool at_end = state_.step == state_.steps;
      const bool epoch_ends = state_.step % steps_per_epoch_ == 0;
      const bool evaluates = validation_.rows() > 0 && (at_end || epoch_ends);
      if (evaluates) evaluate_now();
      const bool saves = settings_.save_steps > 0 ? state_.step % settings_.save_steps == 0 : epoch_ends;
      if (saves || evaluates) save_checkpoint();
      if (interrupted() && !at_end) {
        if (!saves && !evaluates) save_checkpoint();
        throw Error(ErrorCode::kInterrupted, "interrupted after step " + std::to_string(state_.step) +
                                                 ": valence train --resume " + printable(folder_.string()) +
                                                 " goes on");
      }
    }
    return finish();
  }

  bool stopped_early() const {
    return settings_.early_stopping_patience > 0 &&
           state_.evaluations_without_gain >= settings_.early_stopping_patience;
  }

  // The rows of a step; whole micro batches but for the end of an epoch.
  std::vector<int64_t> rows_of_step(int64_t step) {
    const int64_t epoch = step / steps_per_epoch_, place = step % steps_per_epoch_;
    if (epoch != epoch_) {
      order_ = settings_.shuffle ? shuffled_rows("epoch " + std::to_string(epoch)) : std::vector<int64_t>();
      if (order_.empty()) {
        order_.resize(static_cast<size_t>(data_.rows()));
        std::iota(order_.begin(), order_.end(), 0);
      }
      epoch_ = epoch;
    }
    const int64_t per_step = settings_.batch_size * settings_.accumulation, begin = place * per_step;
    const int64_t end = std::min(begin + per_step, data_.rows());
    return {order_.begin() + begin, order_.begin() + end};
  }

  double rate_of_step(int64_t step) const {
    const auto steps = static_cast<double>(state_.steps), done = static_cast<double>(step);
    const double warmup = settings_.warmup < 1 ? std::floor(settings_.warmup * steps) : settings_.warmup;
    const double peak = settings_.learning_rate;
    if (done < warmup) return peak * (done + 1) / warmup;
    const double progress = (done - warmup) / std::max(steps - warmup, 1.0);
    if (settings_.schedule == "linear") return peak * (1 - progress);
    if (settings_.schedule == "cosine") return peak * 0.5 * (1 + std::cos(std::numbers::pi * progress));
    return peak;
  }

  void fill_batch(const Dataset& data, std::span<const int64_t> rows) {
    ids_.clear();
    cumulative_lengths_.assign(1, 0);
    for (const int64_t row : rows) {
      const auto tokens = data.tokens(row);
      ids_.insert(ids_.end(), tokens.begin(), tokens.end());
      cumulative_lengths_.push_back(static_cast<int32_t>(ids_.size()));
    }
    models::set_positions(model_->config(), ids_, cumulative_lengths_, positions_);
  }
  nn::Batch batch() const { return {ids_, positions_, cumulative_lengths_}; }

  // One update; returns the number of its rows.
  int64_t step() {
    const std::vector<int64_t> rows = rows_of_step(state_.step);
    const auto count = static_cast<int64_t>(rows.size());
    const int64_t parts = (count + settings_.batch_size - 1) / settings_.batch_size;
    for (nn::Parameter* parameter : model_->trained()) parameter->clear_gradient();
    double loss = 0;
    for (int64_t part = 0; part < parts; ++part) {
      const auto begin = static_cast<size_t>(part * settings_.batch_size);
      const auto chunk = std::span(rows).subspan(begin, std::min<size_t>(rows.size() - begin,
                                                                         static_cast<size_t>(settings_.batch_size)));
      fill_batch(data_, chunk);
      const auto key = Random(seed_for(static_cast<uint64_t>(settings_.seed), "dropout") ^
                              static_cast<uint64_t>(state_.step * settings_.accumulation + part))
                           .next();
      const auto logits = pass_->forward(batch(), key);
      d_logits_.resize(logits.size());
      const double share = 1.0 / static_cast<double>(parts);
      loss += share * loss_and_gradient(loss_, data_, chunk, logits, share, d_logits_);
      if (!std::isfinite(loss)) break;
      pass_->backward(d_logits_);
    }
    update(loss);
    return count;
  }

  void update(double loss) {
    const double norm = std::isfinite(loss) ? optimizer_->gradient_norm() : loss;
    last_loss_ = loss;
    last_rate_ = rate_of_step(state_.step);
    ++state_.step;
    if (!std::isfinite(norm)) return skip();
    state_.skipped_in_a_row = 0;
    backend::AdamW adamw;
    adamw.learning_rate = static_cast<float>(last_rate_);
    adamw.weight_decay = static_cast<float>(settings_.weight_decay);
    adamw.step = state_.step - state_.skipped_steps;
    if (settings_.clip > 0 && norm > settings_.clip) {
      adamw.gradient_scale = static_cast<float>(settings_.clip / (norm + 1e-6));
    }
    optimizer_->step(*backend_, adamw);
    state_.pending_loss += loss;
    ++state_.pending_steps;
    if (state_.step % settings_.log_every != 0 && state_.step != state_.steps) return;
    LogEntry entry;
    entry.step = state_.step;
    entry.epoch = static_cast<double>(state_.step) / static_cast<double>(steps_per_epoch_);
    entry.loss = state_.pending_loss / static_cast<double>(state_.pending_steps);
    entry.learning_rate = last_rate_;
    entry.gradient_norm = norm;
    state_.history.push_back(entry);
    state_.pending_loss = 0;
    state_.pending_steps = 0;
  }

  // A step whose loss or gradient is no number leaves the weights as they are.
  void skip() {
    ++state_.skipped_steps;
    ++state_.skipped_in_a_row;
    warn(fmt::format("step {}: the loss or its gradient is not finite; the step is skipped", state_.step));
    if (state_.skipped_in_a_row < kMostSkippedSteps && state_.step < state_.steps) return;
    throw Error(ErrorCode::kRuntime,
                fmt::format("train: the loss or its gradient is not finite in {} steps in a row, the last being "
                            "step {}: lower --learning-rate (it is {:g}) or look at the data",
                            state_.skipped_in_a_row, state_.step, settings_.learning_rate));
  }

  // ---- Evaluation

  struct Evaluation {
    double loss = 0;
    std::optional<Metrics> metrics;
    double accuracy() const { return metrics ? metrics->accuracy : 0; }
    double macro_f1() const { return metrics ? metrics->macro_f1 : 0; }
  };

  Evaluation evaluate() {
    Evaluation out;
    LossSettings plain{problem_, 0, {}};
    std::vector<int32_t> truth, answers;
    std::vector<double> confidence;
    std::vector<uint8_t> true_bits, answer_bits;
    const auto labels = static_cast<int64_t>(model_->config().labels.size());
    std::vector<int64_t> rows;
    for (int64_t begin = 0; begin < validation_.rows(); begin += kEvaluationRows) {
      rows.resize(static_cast<size_t>(std::min(kEvaluationRows, validation_.rows() - begin)));
      std::iota(rows.begin(), rows.end(), begin);
      fill_batch(validation_, rows);
      const auto logits = pass_->forward(batch(), std::nullopt);
      d_logits_.resize(logits.size());
      out.loss += loss_and_gradient(plain, validation_, rows, logits, 1, d_logits_) *
                  static_cast<double>(rows.size()) / static_cast<double>(validation_.rows());
      for (size_t r = 0; r < rows.size(); ++r) {
        const auto row = logits.subspan(r * static_cast<size_t>(labels), static_cast<size_t>(labels));
        if (problem_ == Problem::kMultiLabel) {
          const auto given = validation_.labels(rows[r]);
          for (int32_t c = 0; c < labels; ++c) {
            true_bits.push_back(std::ranges::find(given, c) != given.end());
            answer_bits.push_back(row[static_cast<size_t>(c)] > 0);
          }
        } else if (problem_ == Problem::kSingleLabel) {
          const auto best = std::ranges::max_element(row);
          double sum = 0;
          for (const float logit : row) sum += std::exp(static_cast<double>(logit) - static_cast<double>(*best));
          truth.push_back(validation_.label(rows[r]));
          answers.push_back(static_cast<int32_t>(best - row.begin()));
          confidence.push_back(1 / sum);
        }
      }
    }
    if (problem_ == Problem::kSingleLabel) out.metrics = classification_metrics(truth, answers, confidence, labels);
    if (problem_ == Problem::kMultiLabel) out.metrics = multi_label_metrics(true_bits, answer_bits, labels);
    return out;
  }

  void evaluate_now() {
    const Evaluation evaluation = evaluate();
    LogEntry entry;
    entry.step = state_.step;
    entry.epoch = static_cast<double>(state_.step) / static_cast<double>(steps_per_epoch_);
    entry.eval_loss = evaluation.loss;
    if (evaluation.metrics) {
      entry.eval_accuracy = evaluation.accuracy();
      entry.eval_macro_f1 = evaluation.macro_f1();
    }
    state_.history.push_back(entry);
    const double metric = evaluation.metrics ? evaluation.macro_f1() : evaluation.loss;
    const bool gains = state_.best_step == 0 || (evaluation.metrics ? metric > state_.best_metric
                                                                    : metric < state_.best_metric);
    state_.evaluations_without_gain = gains ? 0 : state_.evaluations_without_gain + 1;
    if (gains) {
      state_.best_metric = metric;
      state_.best_step = state_.step;
    }
    say(evaluation.metrics
            ? fmt::format("step {}: validation loss {:.4f}, accuracy {:.4f}, macro-F1 {:.4f}{}", state_.step,
                          evaluation.loss, evaluation.accuracy(), evaluation.macro_f1(), gains ? ", the best" : "")
            : fmt::format("step {}: validation loss {:.4f}{}", state_.step, evaluation.loss, gains ? ", the best" : ""));
  }

  // ---- Checkpoints

  std::filesystem::path checkpoint_path(int64_t step) const {
    return folder_ / ("checkpoint-" + std::to_string(step));
  }

  std::vector<int64_t> checkpoint_steps() const {
    std::vector<int64_t> steps;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename().string();
      constexpr std::string_view kPrefix = "checkpoint-";
      if (!name.starts_with(kPrefix) || name.size() > kPrefix.size() + 15 ||
          name.find_first_not_of("0123456789", kPrefix.size()) != name.npos) {
        continue;
      }
      steps.push_back(std::stoll(name.substr(kPrefix.size())));
    }
    std::ranges::sort(steps);
    return steps;
  }
  int64_t last_checkpoint() const {
    const std::vector<int64_t> steps = checkpoint_steps();
    return steps.empty() ? 0 : steps.back();
  }

  // What a killed run left under temporary names.
  void remove_leavings() const {
    std::vector<std::filesystem::path> leavings;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("checkpoint-") && name.find(".tmp") != name.npos) leavings.push_back(entry.path());
    }
    for (const auto& path : leavings) std::filesystem::remove_all(path);
  }

  void save_checkpoint() {
    AtomicFolder folder(checkpoint_path(state_.step));
    model_->save(folder.temporary(), source_.base_name);
    formats::write_safetensors(folder.temporary() / kOptimizerName, optimizer_->state());
    write_state(state_, folder.temporary() / kStateName);
    folder.commit();
    // The last one and the best one are all that is needed.
    for (const int64_t step : checkpoint_steps()) {
      if (step != state_.step && step != state_.best_step) std::filesystem::remove_all(checkpoint_path(step));
    }
  }

  void restore(int64_t step) {
    const std::filesystem::path path = checkpoint_path(step);
    model_->restore(path);
    const auto state = formats::Checkpoint::open_named(formats::ModelFiles::from_folder(path), kOptimizerName);
    optimizer_->restore(state);
    const int64_t steps = state_.steps;
    state_ = read_state(path / kStateName);
    state_.steps = steps;
    say(fmt::format("going on after step {}", step));
  }

  // ---- The end

  Outcome finish() {
    Outcome outcome;
    Evaluation evaluation;
    if (validation_.rows() > 0) {
      if (state_.best_step > 0 && state_.best_step != state_.step) {
        model_->restore(checkpoint_path(state_.best_step));
      }
      evaluation = evaluate();
      outcome.loss = evaluation.loss;
      outcome.accuracy = evaluation.accuracy();
      outcome.macro_f1 = evaluation.macro_f1();
    }
    copy_tokenizer();
    CardFacts facts;
    facts.base = source_.base_name;
    facts.labels = model_->config().labels;
    facts.rows = data_.rows();
    facts.validation_rows = validation_.rows();
    facts.trainable = trainable_;
    facts.parameters = model_->parameters();
    facts.metrics = evaluation.metrics;
    if (problem_ == Problem::kRegression && validation_.rows() > 0) facts.squared_error = evaluation.loss;
    write_card(settings_, facts, folder_ / "README.md");
    write_curves(state_, folder_ / "curves.svg");
    model_->save(folder_, source_.base_name);
    write_state(state_, folder_ / kStateName);
    for (const int64_t step : checkpoint_steps()) std::filesystem::remove_all(checkpoint_path(step));
    outcome.steps = state_.step;
    outcome.skipped_steps = state_.skipped_steps;
    outcome.texts_per_second = texts_per_second_;
    outcome.trainable = trainable_;
    outcome.parameters = model_->parameters();
    return outcome;
  }

  void copy_tokenizer() const {
    static const std::set<std::string, std::less<>> kNames = {
        "tokenizer.json",          "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.txt",               "vocab.json",            "merges.txt",              "sentencepiece.bpe.model",
        "sentencepiece.model",     "spm.model",             "spiece.model"};
    for (const std::string& name : source_.model.names()) {
      if (!kNames.contains(name)) continue;
      AtomicFile file(folder_ / name);
      file.write(source_.model.open(name)->bytes());
      file.commit();
    }
  }

  void say(const std::string& line) const {
    if (watch_.say && !watch_.keep_quiet) watch_.say(line);
  }
  void warn(const std::string& line) const {
    if (watch_.say) watch_.say("warning: " + line);
  }

  Settings settings_;
  const ModelSource& source_;
  const std::filesystem::path folder_;
  const Watch& watch_;
  ThreadPool pool_;
  std::unique_ptr<backend::TrainingBackend> backend_;
  std::unique_ptr<backend::Backend> lookup_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  Problem problem_ = Problem::kSingleLabel;
  Dataset data_, validation_;
  std::optional<models::TrainableClassifier> model_;
  std::optional<nn::TrainingPass> pass_;
  std::optional<Optimizer> optimizer_;
  LossSettings loss_;
  RunState state_;
  int64_t steps_per_epoch_ = 1, trainable_ = 0;
  int64_t epoch_ = -1;
  std::vector<int64_t> order_;  // of the rows in epoch_
  std::vector<int32_t> ids_, positions_, cumulative_lengths_;
  std::vector<float> d_logits_;
  double last_loss_ = 0, last_rate_ = 0, texts_per_second_ = 0;
};

}  // namespace

Outcome train(const Settings& settings, const ModelSource& source, const std::filesystem::path& out,
              const Watch& watch) {
  return Run(settings, source, out, watch).fresh();
}

Settings settings_of_run(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / kSettingsName;
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNoInput, printable(folder.string()) + " holds no run to resume: it has no " +
                                         std::string(kSettingsName));
  }
  Settings settings;
  settings.targets.clear();
  read_settings(file.string(), settings);
  return settings;
}

bool is_finished(const std::filesystem::path& folder) { return std::filesystem::exists(folder / kStateName); }

Outcome resume(const Settings& settings, const ModelSource& source, const std::filesystem::path& folder,
               const Watch& watch) {
  return Run(settings, source, folder, watch).again();
}

}  // namespace valence::train
