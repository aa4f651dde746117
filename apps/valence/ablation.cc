// valence ablation: what each part of the 4-bit recipe costs and brings, on the user's own data.

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/interrupt.h"
#include "commands.h"
#include "formats/json.h"
#include "model_options.h"
#include "output.h"
#include "report.h"
#include "train/trainer.h"

namespace valence::app {
namespace {

using formats::Json;

struct AblationOptions {
  std::vector<std::string> data;
  std::optional<std::string> text_column, model, validation;
  std::vector<std::string> label_column;
  std::optional<int> epochs, steps, max_length, threads;
  bool json = false, quiet = false;
};

struct Variant {
  std::string name;
  train::Settings settings;
};

// What a process that trained tells the one that started it.
struct TrainingReport {
  bool done = false;
  ErrorCode code = ErrorCode::kRuntime;
  train::Outcome outcome;
  char message[2000] = {};
};

struct Row {
  std::string variant;
  train::Outcome outcome;
  double peak_mb = 0;
};

// The variants of the table that such recipes are published with, each a step from the one before.
std::vector<Variant> variants(const train::Settings& common) {
  train::Settings full = common;
  full.method = "full";
  full.optimizer = "paged-adamw-8bit";
  full.attention = "standard";
  full.learning_rate = 2e-5;
  full.batch_size = 8;
  full.accumulation = 4;
  train::Settings qlora = full;
  qlora.method = "qlora";
  qlora.learning_rate = 5e-4;
  qlora.rank = 4;
  qlora.alpha = 8;
  qlora.dropout = 0;
  train::Settings tuned = qlora;
  tuned.rank = 8;
  tuned.alpha = 16;
  tuned.dropout = 0.1;
  train::Settings flash = tuned;
  flash.attention = "flash";
  return {{"full fp32", full},
          {"QLoRA (NF4, rank 4)", qlora},
          {"+ LoRA settings (rank 8, dropout)", tuned},
          {"+ flash attention", flash}};
}

// A folder that goes with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "valence-ablation-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw Error(ErrorCode::kRuntime, "cannot make " + name + ": " + strerror(errno));
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Trains in a process of its own, whose peak memory is then its own too. Of all only the first says what it
// leaves out of the data.
Row run(const Variant& variant, const train::ModelSource& source, bool first) {
  const ScratchFolder folder;
  int pipe[2];
  if (::pipe(pipe) != 0) throw Error(ErrorCode::kRuntime, std::string("pipe: ") + strerror(errno));
  const pid_t child = ::fork();
  if (child < 0) throw Error(ErrorCode::kRuntime, std::string("fork: ") + strerror(errno));
  if (child == 0) {
    TrainingReport report;
    train::Watch watch;
    watch.keep_quiet = true;
    if (first)
      watch.say = [](const std::string& line) { std::fprintf(stderr, "valence: %s\n", line.c_str()); };
    try {
      report.outcome = train::train(variant.settings, source, folder.path() / "out", watch);
      report.done = true;
    } catch (const std::exception& error) {
      if (const auto* known = dynamic_cast<const Error*>(&error)) report.code = known->code();
      std::strncpy(report.message, error.what(), sizeof report.message - 1);
    }
    [[maybe_unused]] const ssize_t written = ::write(pipe[1], &report, sizeof report);
    ::_exit(0);
  }
  ::close(pipe[1]);
  TrainingReport report;
  size_t got = 0;
  for (ssize_t n = 1; n > 0 && got < sizeof report;) {
    n = ::read(pipe[0], reinterpret_cast<char*>(&report) + got, sizeof report - got);
    if (n < 0 && errno == EINTR)
      n = 1;
    else
      got += static_cast<size_t>(std::max<ssize_t>(n, 0));
  }
  ::close(pipe[0]);
  rusage usage{};
  int status = 0;
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  check_interrupt();
  if (got < sizeof report || !report.done) {
    throw Error(report.code, "ablation: " + variant.name + ": " +
                                 (report.message[0] != 0 ? report.message : "the process ended early"));
  }
  return {variant.name, report.outcome, static_cast<double>(usage.ru_maxrss) / 1024};
}

double share(const Row& row) {
  return static_cast<double>(row.outcome.trainable) / static_cast<double>(row.outcome.parameters);
}

std::string as_text(const Row& row, const Row& first) {
  return fmt::format("{:<36} {:>8.0f} {:>9.1f} {:>7.2f} {:>9.4f} {:>11} {:>7.2f}%\n", row.variant,
                     row.peak_mb, row.outcome.texts_per_second,
                     row.outcome.texts_per_second / first.outcome.texts_per_second, row.outcome.accuracy,
                     row.outcome.trainable, 100 * share(row));
}

std::string as_json(const Row& row, const Row& first) {
  return Json(Json::Object{member("variant", row.variant), member("peak_mb", row.peak_mb),
                           member("texts_per_second", row.outcome.texts_per_second),
                           member("speed", row.outcome.texts_per_second / first.outcome.texts_per_second),
                           member("accuracy", row.outcome.accuracy),
                           member("trainable", row.outcome.trainable), member("trainable_share", share(row))})
             .dump() +
         "\n";
}

int ablation(const AblationOptions& options) {
  if (options.label_column.empty()) throw Error(ErrorCode::kUsage, "ablation: --label-column is missing");
  train::Settings common;
  common.data = options.data;
  common.text_column = options.text_column.value_or("");
  common.label_column = options.label_column;
  common.model = options.model.value_or(kDefaultModel);
  common.validation = options.validation.value_or("");
  common.epochs = options.epochs.value_or(1);
  common.steps = options.steps.value_or(0);
  common.max_length = options.max_length.value_or(128);
  common.threads = options.threads.value_or(0);
  const api::ChosenModel chosen = api::choose_model(common.model, {}, api::Download::kAllowed);
  const train::ModelSource source{chosen.model.files, {}, chosen.model.name};
  std::vector<Row> rows;
  if (!options.json) {
    print(fmt::format("{:<36} {:>8} {:>9} {:>7} {:>9} {:>11} {:>8}\n", "variant", "peak MB", "texts/s",
                      "speed", "accuracy", "trainable", "share"));
  }
  for (const Variant& variant : variants(common)) {
    rows.push_back(run(variant, source, rows.empty()));
    print(options.json ? as_json(rows.back(), rows.front()) : as_text(rows.back(), rows.front()));
  }
  return 0;
}

}  // namespace

void add_ablation(Program& program) {
  auto options = std::make_shared<AblationOptions>();
  Command& command = program.add("ablation", "Train the variants of the 4-bit recipe and compare them",
                                 [options] { return ablation(*options); });
  command.arguments(options->data, "DATA", 1, 1000,
                    "Labelled rows: CSV, TSV or JSON Lines, also .gz and .zst");
  command.text("text-column", options->text_column, Value::kWord, "NAME", "The column of the texts");
  command.texts("label-column", options->label_column, "NAME", "The column of the labels");
  add_model_option(command, options->model);
  command.text("validation", options->validation, Value::kFile, "FILE", "Rows to evaluate on");
  command.number("epochs", options->epochs, 1, "Passes over the data; 1 unless said");
  command.number("steps", options->steps, 1, "Updates, whatever --epochs says");
  command.number("max-length", options->max_length, 3, "Tokens of a text; 128 unless said");
  command.number("threads", options->threads, 1, "Cores to use");
  command.flag("json", options->json, "A JSON object for each variant");
  command.flag("quiet", options->quiet, "No messages beside the table");
  command.example(
      "Example:\n  valence ablation reviews.csv --text-column text --label-column label --model default");
}

}  // namespace valence::app
