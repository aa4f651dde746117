// valence eval: how good models are on labelled rows, side by side.

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/stopwatch.h"
#include "base/threads.h"
#include "commands.h"
#include "formats/json.h"
#include "model_options.h"
#include "output.h"
#include "report.h"
#include "train/answers.h"
#include "train/labelled_rows.h"
#include "train/metrics.h"

namespace valence::app {
namespace {

using formats::Json;

constexpr size_t kBatchTexts = 1024;
constexpr size_t kLatencyTexts = 50;

struct EvalOptions {
  std::vector<std::string> arguments;  // models, then the data
  ModelOptions model;
  std::optional<std::string> text_column, label_separator;
  std::vector<std::string> label_column;
  bool json = false, quiet = false;
};

// What one model did on all rows.
struct Evaluation {
  std::string model;
  std::vector<std::string> labels;
  train::Metrics metrics;
  std::optional<double> squared_error;  // of regression
  std::vector<bool> right;              // each row of a single-label model
  double p50_ms = 0, texts_per_second = 0, peak_mb = 0;
  int64_t parameters = 0;
};

// The most memory this process held since forget_peak(), in MB.
double peak_megabytes() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

class Evaluator {
 public:
  Evaluator(const EvalOptions& options, const std::string& name, const std::string& data)
      : options_(options), data_(data), pool_(options.model.threads.value_or(usable_cores())) {
    forget_peak();
    ModelOptions these = options.model;
    these.model = name;
    these.expected_bytes = input_bytes(data);
    const api::ChosenModel chosen = choose_model(these);
    classifier_ = load_classifier(chosen, these);
    problem_ = classifier_->regression()    ? models::Problem::kRegression
               : classifier_->multi_label() ? models::Problem::kMultiLabel
                                            : models::Problem::kSingleLabel;
    if (options.label_column.size() > 1 && problem_ != models::Problem::kMultiLabel)
      throw Error(ErrorCode::kUsage, "eval: several --label-column are for multi-label, which " +
                                         printable(name, 60) + " is not");
    out_.model = name;
    out_.labels = classifier_->labels();
    answers_.emplace(problem_, static_cast<int64_t>(out_.labels.size()));
    out_.parameters = models::parameter_count(
        models::read_config(chosen.model.files, models::Expected::kEncoder), out_.labels.size());
  }

  Evaluation run() {
    train::LabelledReader reader(
        data_, {options_.text_column, options_.label_column, options_.label_separator.value_or("")},
        problem_);
    train::LabelledRow row;
    for (bool more = true; more;) {
      texts_.clear();
      rows_.clear();
      while (texts_.size() < kBatchTexts && (more = reader.next(row))) {
        texts_.emplace_back(row.text);
        rows_.push_back(row);
      }
      classify_batch();
    }
    for (const std::string& line : train::skipped_rows(reader.empty_texts(), reader.rejects())) {
      if (!options_.quiet) std::fprintf(stderr, "valence: %s\n", line.c_str());
    }
    if (answers_->rows() == 0) throw Error(ErrorCode::kBadData, printable(data_) + ": no usable row");
    finish();
    return std::move(out_);
  }

 private:
  void classify_batch() {
    if (texts_.empty()) return;
    check_interrupt();
    const std::vector<std::string_view> views(texts_.begin(), texts_.end());
    std::vector<pipeline::Result> results(views.size());
    const auto workers = static_cast<size_t>(std::min(classifier_->workers(), pool_.size()));
    const Stopwatch watch;
    pool_.run(workers, [&](size_t part, int) {
      const size_t begin = views.size() * part / workers, end = views.size() * (part + 1) / workers;
      auto answers =
          classifier_->classify(std::span(views).subspan(begin, end - begin), static_cast<int>(part));
      std::ranges::move(answers, results.begin() + static_cast<std::ptrdiff_t>(begin));
    });
    seconds_ += watch.seconds();
    for (size_t k = 0; k < results.size(); ++k) {
      if (!results[k].reject_reason.empty()) {
        throw Error(ErrorCode::kBadData, printable(data_) + ": " + results[k].reject_message);
      }
      take(rows_[k], results[k]);
    }
    if (latency_.empty()) measure_latency(views);
  }

  void measure_latency(std::span<const std::string_view> texts) {
    for (size_t k = 0; k < std::min(kLatencyTexts, texts.size()); ++k) {
      const Stopwatch watch;
      classifier_->classify_together(texts.subspan(k, 1));
      latency_.push_back(1000 * watch.seconds());
    }
    std::ranges::sort(latency_);
    out_.p50_ms = latency_[latency_.size() / 2];
  }

  int32_t number_of(const std::string& label) const {
    const auto found = std::ranges::find(out_.labels, label);
    if (found != out_.labels.end()) return static_cast<int32_t>(found - out_.labels.begin());
    std::string list;
    for (const std::string& name : out_.labels) list += (list.empty() ? "" : ", ") + printable(name, 40);
    throw Error(ErrorCode::kBadData, printable(data_) + ": " + printable(out_.model, 60) + " has no label " +
                                         printable(label, 60) + ", it has " + list);
  }

  void take(const train::LabelledRow& row, const pipeline::Result& result) {
    std::vector<int32_t> truth;
    for (const std::string& label : row.labels) truth.push_back(number_of(label));
    answers_->add(truth, row.number, result.logits);
  }

  void finish() {
    out_.metrics = answers_->metrics().value_or(train::Metrics());
    out_.metrics.rows = answers_->rows();
    out_.squared_error = answers_->squared_error();
    out_.right = answers_->right();
    out_.texts_per_second = static_cast<double>(answers_->rows()) / std::max(seconds_, 1e-9);
    out_.peak_mb = peak_megabytes();
  }

  const EvalOptions& options_;
  const std::string data_;
  ThreadPool pool_;
  std::unique_ptr<pipeline::Classifier> classifier_;
  models::Problem problem_ = models::Problem::kSingleLabel;
  Evaluation out_;
  std::vector<std::string> texts_;
  std::vector<train::LabelledRow> rows_;
  std::optional<train::Answers> answers_;
  std::vector<double> latency_;
  double seconds_ = 0;
};

// How probable so different a result is if both models are equally good; 1 where rows cannot be compared.
double paired_p(const Evaluation& first, const Evaluation& other) {
  int64_t only_first = 0, only_other = 0;
  for (size_t k = 0; k < std::min(first.right.size(), other.right.size()); ++k) {
    only_first += first.right[k] && !other.right[k];
    only_other += other.right[k] && !first.right[k];
  }
  return train::mcnemar_p(only_first, only_other);
}

Json as_json(const Evaluation& e, const Evaluation& first) {
  const train::Metrics& m = e.metrics;
  Json::Object classes;
  Json::Array labels, confusion;
  for (size_t c = 0; c < m.classes.size(); ++c) {
    const train::ClassMetrics& one = m.classes[c];
    classes.emplace_back(e.labels[c],
                         Json(Json::Object{member("precision", one.precision), member("recall", one.recall),
                                           member("f1", one.f1), member("support", one.support)}));
  }
  for (const std::string& label : e.labels) labels.emplace_back(label);
  for (const auto& line : m.confusion) {
    Json::Array counts;
    for (const int64_t count : line) counts.emplace_back(count);
    confusion.emplace_back(std::move(counts));
  }
  Json::Object out{member("model", e.model), member("rows", m.rows)};
  if (e.squared_error) {
    out.push_back(member("squared_error", *e.squared_error));
  } else {
    out.push_back(member("accuracy", m.accuracy));
    out.push_back(member("macro_f1", m.macro_f1));
    out.push_back(member("macro_recall", m.macro_recall));
    out.push_back(member("per_class", Json(std::move(classes))));
    out.push_back(member("labels", Json(std::move(labels))));
    if (!m.confusion.empty()) {
      out.push_back(member("confusion", Json(std::move(confusion))));
      out.push_back(member("ece", m.ece));
      if (&e != &first) out.push_back(member("p_value", paired_p(first, e)));
    }
  }
  out.push_back(member("p50_ms", e.p50_ms));
  out.push_back(member("texts_per_second", e.texts_per_second));
  out.push_back(member("parameters", e.parameters));
  out.push_back(member("peak_mb", e.peak_mb));
  return Json(std::move(out));
}

// A line for each model, then the classes and the matrix of each.
std::string as_text(const std::vector<Evaluation>& all) {
  std::string out =
      fmt::format("{:<28} {:>8} {:>8} {:>8} {:>7} {:>8} {:>8} {:>9} {:>8} {:>7}\n", "model", "accuracy",
                  "macro-F1", "recall", "ECE", "p", "p50 ms", "texts/s", "params", "MB");
  for (const Evaluation& e : all) {
    const train::Metrics& m = e.metrics;
    const std::string p =
        &e == &all.front() || m.confusion.empty() ? "" : fmt::format("{:.3g}", paired_p(all.front(), e));
    const std::string figures = e.squared_error ? fmt::format("squared error {:<20.5f}", *e.squared_error)
                                                : fmt::format("{:>8.4f} {:>8.4f} {:>8.4f} {:>7.4f}",
                                                              m.accuracy, m.macro_f1, m.macro_recall, m.ece);
    out +=
        fmt::format("{:<28} {} {:>8} {:>8.2f} {:>9.1f} {:>7.1f}M {:>7.0f}\n", printable(e.model, 28), figures,
                    p, e.p50_ms, e.texts_per_second, static_cast<double>(e.parameters) / 1e6, e.peak_mb);
  }
  for (const Evaluation& e : all) {
    out += fmt::format("\n{}, {} rows\n", printable(e.model, 60), e.metrics.rows);
    if (!e.metrics.classes.empty())
      out += fmt::format("{:<20} {:>9} {:>9} {:>9} {:>9}   answers\n", "true label", "precision", "recall",
                         "F1", "rows");
    for (size_t c = 0; c < e.metrics.classes.size(); ++c) {
      const train::ClassMetrics& one = e.metrics.classes[c];
      out += fmt::format("{:<20} {:>9.4f} {:>9.4f} {:>9.4f} {:>9}  ", printable(e.labels[c], 20),
                         one.precision, one.recall, one.f1, one.support);
      if (!e.metrics.confusion.empty()) {
        for (const int64_t count : e.metrics.confusion[c]) out += fmt::format(" {:>7}", count);
      }
      out += "\n";
    }
  }
  return out;
}

int evaluate(const EvalOptions& options) {
  if (options.label_column.empty()) throw Error(ErrorCode::kUsage, "eval: --label-column is missing");
  const std::string& data = options.arguments.back();
  std::vector<Evaluation> all;
  for (size_t k = 0; k + 1 < options.arguments.size(); ++k) {
    all.push_back(Evaluator(options, options.arguments[k], data).run());
  }
  if (!options.json) {
    print(as_text(all));
    return 0;
  }
  for (const Evaluation& evaluation : all) print(as_json(evaluation, all.front()).dump() + "\n");
  return 0;
}

}  // namespace

void add_eval(Program& program) {
  auto options = std::make_shared<EvalOptions>();
  Command& command = program.add("eval", "Measure models on labelled rows, side by side",
                                 [options] { return evaluate(*options); });
  command.arguments(options->arguments, "MODEL... DATA", 2, 100,
                    "Models or adapters, then a CSV, TSV or JSON Lines file");
  command.text("text-column", options->text_column, Value::kWord, "NAME", "The column of the texts");
  command.texts("label-column", options->label_column, "NAME",
                "The column of the labels; several: one for each label");
  command.text("label-separator", options->label_separator, Value::kWord, "S",
               "Between the labels of a multi-label cell");
  add_adapter_option(command, options->model.adapter);
  add_computing_options(command, options->model);
  command.flag("json", options->json, "A JSON object for each model");
  command.flag("quiet", options->quiet, "No messages beside the result");
  command.example(
      "Example:\n  valence eval default my-model test.csv --text-column text --label-column label");
}

}  // namespace valence::app
