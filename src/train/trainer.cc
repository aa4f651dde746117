#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "backend/cuda.h"
#include "backend/training.h"
#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "base/stopwatch.h"
#include "base/threads.h"
#include "formats/safetensors_writer.h"
#include "models/trainable_classifier.h"
#include "text/tokenizer.h"
#include "train/dataset.h"
#include "train/epochs.h"
#include "train/evaluation.h"
#include "train/loss.h"
#include "train/meaning.h"
#include "train/optimizer.h"
#include "train/plan.h"
#include "train/report.h"
#include "train/run_folder.h"
#include "train/run_state.h"

namespace valence::train {
namespace {

using models::Problem;

constexpr int64_t kMostSkippedSteps = 5;  // in a row
constexpr int64_t kWorthAnEstimate = 20;  // steps

class Run {
 public:
  Run(const Settings& settings, const ModelSource& source, std::filesystem::path folder, const Watch& watch)
      : settings_(settings),
        source_(source),
        folder_(std::move(folder)),
        watch_(watch),
        pool_(settings.threads > 0 ? static_cast<int>(settings.threads) : usable_cores()),
        backend_(make_backend()) {}

  Outcome fresh() {
    check_settings(settings_);
    folder_.claim();
    try {
      load();
      prepare();
      AtomicFile file(folder_.settings_file());
      file.write(settings_as_toml(settings_));
      file.commit();
    } catch (...) {
      folder_.give_up();
      throw;
    }
    return run();
  }

  Outcome again() {
    folder_.lock();
    load();
    folder_.remove_leavings();
    prepare();
    if (const auto steps = folder_.checkpoints(); !steps.empty()) restore(steps.back());
    return run();
  }

 private:
  // A run stays on the device that it began on: another rounds otherwise.
  std::unique_ptr<backend::TrainingBackend> make_backend() {
    if (settings_.device == "auto") settings_.device = backend::find_cuda_device().usable ? "cuda" : "cpu";
    return settings_.device == "cuda" ? backend::make_cuda_training_backend()
                                      : backend::make_cpu_training_backend(&pool_);
  }

  // ---- Data and model

  void load() {
    tokenizer_ = text::Tokenizer::load(source_.model);
    const models::ModelConfig config = models::read_config(source_.model, models::Expected::kEncoder);
    problem_ = problem_of(settings_, config.problem);
    if (settings_.label_column.size() > 1 && problem_ != Problem::kMultiLabel)
      contradiction("several --label-column are for multi-label, and --problem-type is " +
                    settings_.problem_type);
    settings_.learning_rate = settings_.chosen_learning_rate(config.hidden);
    const int64_t limit = std::min(settings_.max_length, models::longest_input(source_.model, config));
    const LabelColumns columns{
        settings_.text_column.empty() ? std::nullopt : std::optional(settings_.text_column),
        settings_.label_column, settings_.label_separator};
    for (const std::string& file : settings_.data) data_.read(file, columns, problem_, *tokenizer_, limit);
    if (!settings_.validation.empty())
      validation_.read(settings_.validation, columns, problem_, *tokenizer_, limit);
    for (const std::string& line : remarks_on(data_, limit)) warn(line);
    for (const std::string& line : remarks_on(validation_, limit)) warn("validation: " + line);
    if (!settings_.validation.empty() && validation_.rows() == 0)
      throw Error(ErrorCode::kBadData, printable(settings_.validation) + ": no usable row");
    const models::TrainableSettings trainable = trainable_settings(settings_, data_, problem_, config);
    model_.emplace(source_.model, source_.adapter ? &*source_.adapter : nullptr, trainable, *backend_);
    if (problem_ != Problem::kRegression) {
      data_.set_names(model_->config().labels, settings_.data.front());
      if (!settings_.validation.empty()) validation_.set_names(model_->config().labels, settings_.validation);
    }
    if (settings_.validation.empty()) validation_ = split_validation(settings_, data_, problem_);
    for (nn::Parameter* parameter : model_->trained()) trainable_ += parameter->count();
  }

  void prepare() {
    pass_.emplace(model_->model(), *backend_,
                  nn::PassOptions{settings_.recompute, settings_.attention == "standard"});
    optimizer_.emplace(optimizer_of(settings_), model_->trained(), folder_.path(), *backend_);
    loss_ = {problem_, settings_.label_smoothing, class_weights(settings_, data_, problem_),
             settings_.labels_of_files};
    epochs_.emplace(settings_, data_);
    state_.data = data_.digest();
    state_.steps =
        settings_.steps > 0
            ? settings_.steps
            : std::max<int64_t>(1, std::llround(settings_.epochs * static_cast<double>(epochs_->steps())));
    for (const std::string& line :
         plan_of_run(settings_, data_, validation_, *model_, trainable_, state_.steps, pass_->tokens()))
      say(line);
  }

  // ---- The loop

  Outcome run() {
    if (state_.steps - state_.step >= kWorthAnEstimate) say(expected_time(expected_seconds()));
    const Stopwatch watch;
    double saved = 0;
    int64_t texts = 0;
    double training = 0;  // seconds without validation and checkpoints
    const int64_t first = state_.step;
    while (state_.step < state_.steps && !stopped_early()) {
      const double before = watch.seconds();
      texts += step();
      const double now = watch.seconds(), pace = now / static_cast<double>(state_.step - first);
      training += now - before;
      texts_per_second_ = static_cast<double>(texts) / std::max(training, 1e-9);
      if (watch_.progress) {
        watch_.progress({state_.step, state_.steps, last_loss_, last_rate_, texts_per_second_,
                         pace * static_cast<double>(state_.steps - state_.step)});
      }
      const bool at_end = state_.step == state_.steps;
      const bool epoch_ends = state_.step % epochs_->steps() == 0;
      const bool evaluates = validation_.rows() > 0 && (at_end || epoch_ends);
      if (evaluates) evaluate_now();
      const bool due = settings_.save_steps > 0
                           ? state_.step % settings_.save_steps == 0
                           : epoch_ends || watch.seconds() - saved >= watch_.most_unsaved;
      const bool stops = interrupted() && !at_end;
      if (due || evaluates || stops) {
        save_checkpoint();
        saved = watch.seconds();
      }
      if (stops) {
        throw Error(ErrorCode::kInterrupted, "interrupted after step " + std::to_string(state_.step) +
                                                 ": valence train --resume " +
                                                 printable(folder_.path().string()) + " goes on");
      }
    }
    return finish();
  }

  bool stopped_early() const {
    return settings_.early_stopping_patience > 0 &&
           state_.evaluations_without_gain >= settings_.early_stopping_patience;
  }

  // One update; returns the number of its rows. Micro batches of short texts pass together: the same loss.
  int64_t step() {
    const std::vector<int64_t> rows = epochs_->rows_of_step(state_.step);
    update(add_gradients(rows));
    return static_cast<int64_t>(rows.size());
  }

  // The loss of the rows; leaves its gradients.
  double add_gradients(std::span<const int64_t> rows) {
    const int64_t parts =
        (static_cast<int64_t>(rows.size()) + settings_.batch_size - 1) / settings_.batch_size;
    for (nn::Parameter* parameter : model_->trained()) parameter->clear_gradient(*backend_);
    double loss = 0;
    for (int64_t part = 0; part < parts && std::isfinite(loss);) {
      int64_t end = part + 1, tokens = data_.tokens_of(micro_batch(rows, part));
      while (end < parts && (tokens += data_.tokens_of(micro_batch(rows, end))) <= backend_->pass_tokens())
        ++end;
      loss += pass_over(rows, part, end, parts);
      part = end;
    }
    return loss;
  }

  // By one step whose gradients are thrown away.
  double expected_seconds() {
    const Stopwatch watch;
    add_gradients(epochs_->rows_of_step(state_.step));
    return watch.seconds() * static_cast<double>(state_.steps - state_.step);
  }

  std::span<const int64_t> micro_batch(std::span<const int64_t> rows, int64_t part) const {
    const auto size = static_cast<size_t>(settings_.batch_size), begin = static_cast<size_t>(part) * size;
    return rows.subspan(begin, std::min(size, rows.size() - begin));
  }

  // The micro batches [begin, end) of `parts`: their share of the step's loss; adds to the gradients.
  double pass_over(std::span<const int64_t> rows, int64_t begin, int64_t end, int64_t parts) {
    const auto first = micro_batch(rows, begin), last = micro_batch(rows, end - 1);
    packed_.fill(model_->config(), data_, {first.data(), last.data() + last.size()});
    const uint64_t key = Random(seed_for(static_cast<uint64_t>(settings_.seed), "dropout") ^
                                static_cast<uint64_t>(state_.step * settings_.accumulation + begin))
                             .next();
    const auto logits = pass_->forward(packed_.batch(), key);
    d_logits_.resize(logits.size());
    const size_t labels = model_->config().labels.size();
    const double share = 1.0 / static_cast<double>(parts);
    double loss = 0;
    size_t at = 0;
    for (int64_t part = begin; part < end; ++part) {
      const auto chunk = micro_batch(rows, part);
      const size_t count = chunk.size() * labels;
      loss += share * loss_and_gradient(loss_, data_, chunk, logits.subspan(at, count), share,
                                        std::span(d_logits_).subspan(at, count));
      at += count;
    }
    if (std::isfinite(loss)) pass_->backward(d_logits_);
    model_->release_pages();
    return loss;
  }

  void update(double loss) {
    const double norm = std::isfinite(loss) ? optimizer_->gradient_norm() : loss;
    last_loss_ = loss;
    last_rate_ = rate_of_step(settings_, state_.step, state_.steps);
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
    optimizer_->step(adamw);
    state_.pending_loss += loss;
    ++state_.pending_steps;
    if (state_.step % settings_.log_every != 0 && state_.step != state_.steps) return;
    LogEntry entry = state_.new_entry(epochs_->steps());
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
    const bool nothing_learned = state_.step == state_.steps && state_.skipped_steps == state_.step;
    if (state_.skipped_in_a_row < kMostSkippedSteps && !nothing_learned) return;
    throw Error(
        ErrorCode::kRuntime,
        fmt::format("train: the loss or its gradient is not finite in {} steps in a row, the last being "
                    "step {}: lower --learning-rate (it is {:g}) or look at the data",
                    state_.skipped_in_a_row, state_.step, settings_.learning_rate));
  }

  // ---- Evaluation

  void evaluate_now() {
    const Evaluation evaluation = evaluate(*pass_, *model_, validation_, settings_.labels_of_files);
    LogEntry entry = state_.new_entry(epochs_->steps());
    entry.eval_loss = evaluation.loss;
    if (evaluation.metrics) {
      entry.eval_accuracy = evaluation.accuracy();
      entry.eval_macro_f1 = evaluation.macro_f1();
    }
    state_.history.push_back(entry);
    const double metric = evaluation.metrics ? evaluation.macro_f1() : evaluation.loss;
    const bool gains = state_.note_metric(metric, evaluation.metrics.has_value());
    say(fmt::format("step {}: {}{}", state_.step, evaluation.text(), gains ? ", the best" : ""));
  }

  // ---- Checkpoints

  void save_checkpoint() {
    AtomicFolder folder(folder_.checkpoint(state_.step));
    model_->save(folder.temporary(), source_.base_name);
    formats::write_safetensors(folder.temporary() / RunFolder::kOptimizerName, optimizer_->state());
    write_state(state_, folder.temporary() / RunFolder::kStateName);
    folder.commit();
    // The last one and the best one are all that is needed.
    folder_.keep_only({state_.step, state_.best_step});
  }

  void restore(int64_t step) {
    const std::filesystem::path path = folder_.checkpoint(step);
    model_->restore(path);
    const auto state =
        formats::Checkpoint::open_named(formats::ModelFiles::from_folder(path), RunFolder::kOptimizerName);
    optimizer_->restore(state);
    const RunState now = state_;
    state_ = read_state(path / RunFolder::kStateName);
    if (!state_.data.empty() && state_.data != now.data) {
      throw Error(ErrorCode::kBadData, printable(settings_.data.front()) +
                                           ": the rows are not those that the run began with: give it those, "
                                           "or train anew into another folder");
    }
    state_.steps = now.steps;
    state_.data = now.data;
    say(fmt::format("going on after step {}", step));
  }

  // ---- The end

  Outcome finish() {
    Outcome outcome;
    Evaluation evaluation;
    if (validation_.rows() > 0) {
      if (state_.best_step > 0 && state_.best_step != state_.step) {
        model_->restore(folder_.checkpoint(state_.best_step));
      }
      evaluation = evaluate(*pass_, *model_, validation_, settings_.labels_of_files);
      outcome.loss = evaluation.loss;
      outcome.accuracy = evaluation.accuracy();
      outcome.macro_f1 = evaluation.macro_f1();
    }
    text::copy_tokenizer_files(source_.model, folder_.path());
    CardFacts facts;
    facts.base = source_.base_name;
    facts.labels = model_->config().labels;
    facts.rows = data_.rows();
    facts.validation_rows = validation_.rows();
    facts.trainable = trainable_;
    facts.parameters = model_->parameters();
    facts.metrics = evaluation.metrics;
    if (problem_ == Problem::kRegression && validation_.rows() > 0) facts.squared_error = evaluation.loss;
    write_card(settings_, facts, folder_.path() / "README.md");
    write_curves(state_, folder_.path() / "curves.svg");
    model_->save(folder_.path(), source_.base_name);
    write_state(state_, folder_.state_file());
    folder_.keep_only({});
    outcome.steps = state_.step;
    outcome.skipped_steps = state_.skipped_steps;
    outcome.texts_per_second = texts_per_second_;
    outcome.trainable = trainable_;
    outcome.parameters = model_->parameters();
    return outcome;
  }

  void say(const std::string& line) const {
    if (watch_.say && !watch_.keep_quiet) watch_.say(line);
  }
  void warn(const std::string& line) const {
    if (watch_.say) watch_.say("warning: " + line);
  }

  Settings settings_;
  const ModelSource& source_;
  RunFolder folder_;
  const Watch& watch_;
  ThreadPool pool_;
  std::unique_ptr<backend::TrainingBackend> backend_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  Problem problem_ = Problem::kSingleLabel;
  Dataset data_, validation_;
  std::optional<models::TrainableClassifier> model_;
  std::optional<nn::TrainingPass> pass_;
  std::optional<Optimizer> optimizer_;
  LossSettings loss_;
  RunState state_;
  std::optional<Epochs> epochs_;
  int64_t trainable_ = 0;
  PackedRows packed_;
  std::vector<float> d_logits_;
  double last_loss_ = 0, last_rate_ = 0, texts_per_second_ = 0;
};

}  // namespace

Outcome train(const Settings& settings, const ModelSource& source, const std::filesystem::path& out,
              const Watch& watch) {
  return Run(settings, source, out, watch).fresh();
}

Outcome resume(const Settings& settings, const ModelSource& source, const std::filesystem::path& folder,
               const Watch& watch) {
  return Run(settings, source, folder, watch).again();
}

}  // namespace valence::train
