// valence bench: text to label on this machine, beside the limit that the arithmetic of a core sets.

#include <algorithm>
#include <string>
#include <vector>

#include "backend/peak.h"
#include "base/error.h"
#include "base/threads.h"
#include "bench_measure.h"
#include "bench_texts.h"
#include "commands.h"
#include "human.h"
#include "inputs.h"
#include "model_options.h"
#include "output.h"
#include "report.h"
#include "rows/row_reader.h"

namespace valence::app {
namespace {

using formats::Json;

constexpr int kSeconds = 2;          // of each measurement
constexpr size_t kMostTexts = 4000;  // of a file
constexpr const char* kAllTypes = "all";
constexpr int kLatencyRuns = 200;
constexpr std::string_view kShortText = "Best coffee in town, hands down.";

struct BenchOptions {
  std::vector<std::string> file;
  ModelOptions model;
  std::optional<std::string> text_column;
  std::optional<int> seconds;
  bool json = false;
};

// One way to compute: a type of weights on so many threads.
struct Speed {
  std::string dtype;
  int threads = 0;
  double texts = 0;  // per second
  double limit = 0;  // texts per second at the measured peak of so many cores
};

struct BenchResult {
  pipeline::Provenance model;
  size_t weight_bytes = 0, texts = 0;
  Lengths lengths;
  std::vector<Speed> speeds;
  int64_t short_tokens = 0;
  int latency_threads = 0;
  Latency latency;  // of the first type, on all threads
};

std::vector<std::string> read_texts(const BenchOptions& options) {
  const std::span<const std::string_view> own = bench_texts();
  if (options.file.empty()) return {own.begin(), own.end()};
  const Input input = file_or_stdin(options.file.front());
  rows::ReaderOptions reader_options;
  reader_options.text_column = options.text_column;
  reader_options.format = rows::format_by_name(input.file);
  const bool is_file = input.kind == Input::Kind::kFile;
  const auto reader = is_file
                          ? rows::open_rows(input.file, reader_options)
                          : rows::open_rows(rows::open_standard_input(), "standard input", reader_options);
  std::vector<std::string> texts;
  for (rows::Row row; texts.size() < kMostTexts && reader->next(row);) {
    if (!row.rejected()) texts.emplace_back(row.text_view());
  }
  if (texts.empty()) throw Error(ErrorCode::kBadData, "bench: the input has no usable text");
  return texts;
}

std::vector<std::string> types_to_measure(const ModelOptions& options) {
  if (options.dtype == kAllTypes) return {"fp32", "bf16", "int8", "nf4"};
  return {options.dtype.value_or("auto")};
}

// One core alone, then all of them, each as a user of so many threads has it.
BenchResult measure(const BenchOptions& options) {
  const Workload work(read_texts(options));
  const api::ChosenModel chosen = choose_model(options.model);
  const models::ModelConfig config = models::read_config(chosen.model.files);
  const int cores = options.model.threads.value_or(usable_cores());
  BenchResult result;
  result.texts = work.texts();
  result.latency_threads = cores;
  for (const std::string& type : types_to_measure(options.model)) {
    for (const int threads : cores == 1 ? std::vector<int>{1} : std::vector<int>{1, cores}) {
      ModelOptions these = options.model;
      these.dtype = type;
      these.threads = threads;
      const auto classifier = load_classifier(chosen, these);
      if (result.speeds.empty()) {
        result.model = classifier->provenance();
        result.weight_bytes = classifier->weight_bytes();
        result.lengths = measure_lengths(*classifier, config, work);
      }
      const std::string dtype = type == "auto" ? result.model.dtype : type;
      const double limit =
          backend::measured_peak_gflops(*api::parse_dtype(dtype)) * 1e9 / result.lengths.operations * threads;
      result.speeds.push_back(
          {dtype, threads, measure_rate(*classifier, work, options.seconds.value_or(kSeconds)), limit});
      if (threads == cores && result.short_tokens == 0) {
        result.short_tokens = classifier->classify({&kShortText, 1}, 0).front().tokens;
        result.latency = measure_latency(*classifier, kShortText, kLatencyRuns);
      }
    }
  }
  return result;
}

// --- What is printed

std::string padded(const std::string& text, size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string as_text(const BenchResult& result) {
  std::string out = "model   " + printable(result.model.model) + ", " + human_bytes(result.weight_bytes) +
                    " in memory, " + result.model.device + "\n";
  out += "texts   " + std::to_string(result.texts) + ", " + fixed(result.lengths.tokens, 1) +
         " tokens on average\n\n";
  out += "type   threads    texts/s   tokens/s   limit, texts/s   of the limit\n";
  for (const Speed& speed : result.speeds) {
    out += speed.dtype + std::string(7 - speed.dtype.size(), ' ') + padded(std::to_string(speed.threads), 7) +
           padded(fixed(speed.texts, 1), 11) + padded(fixed(speed.texts * result.lengths.tokens, 0), 11) +
           padded(fixed(speed.limit, 1), 17) + padded(fixed(100 * speed.texts / speed.limit, 1) + "%", 15) +
           "\n";
  }
  out += "\none text of " + std::to_string(result.short_tokens) + " tokens, " + result.speeds.front().dtype +
         ", " + count_of(result.latency_threads, "thread") + ": p50 " + fixed(result.latency.p50_ms, 2) +
         " ms, p95 " + fixed(result.latency.p95_ms, 2) + " ms\n";
  out += "limit: the measured peak of the cores / (2 P T + 4 T² hidden layers) operations of a text\n";
  return out;
}

Json as_json(const BenchResult& result) {
  Json::Array speeds;
  for (const Speed& speed : result.speeds) {
    speeds.emplace_back(Json::Object{member("dtype", speed.dtype), member("threads", int64_t{speed.threads}),
                                     member("texts_per_second", speed.texts),
                                     member("tokens_per_second", speed.texts * result.lengths.tokens),
                                     member("limit_texts_per_second", speed.limit),
                                     member("share_of_limit", speed.texts / speed.limit)});
  }
  Json one(Json::Object{member("dtype", result.speeds.front().dtype),
                        member("threads", int64_t{result.latency_threads}),
                        member("tokens", result.short_tokens), member("p50_ms", result.latency.p50_ms),
                        member("p95_ms", result.latency.p95_ms)});
  return Json(Json::Object{member("model", result.model.model), member("device", result.model.device),
                           member("weight_bytes", static_cast<int64_t>(result.weight_bytes)),
                           member("texts", static_cast<int64_t>(result.texts)),
                           member("mean_tokens", result.lengths.tokens),
                           member("speeds", Json(std::move(speeds))), member("one_text", std::move(one))});
}

}  // namespace

void add_bench(Program& program) {
  auto options = std::make_shared<BenchOptions>();
  Command& command =
      program.add("bench", "Measure text to label on this machine against the limit of its cores", [options] {
        const BenchResult result = measure(*options);
        print(options->json ? as_json(result).dump() + "\n" : as_text(result));
        return 0;
      });
  command.arguments(options->file, "FILE", 0, 1,
                    "Texts to read (default: texts of its own), - for standard input");
  add_model_option(command, options->model.model);
  add_adapter_option(command, options->model.adapter);
  command.choice("dtype", options->model.dtype, {"fp32", "bf16", "int8", "nf4", "auto", kAllTypes},
                 "Type of the weights (auto: as stored)");
  command.number("threads", options->model.threads, 1,
                 "Threads of the second measurement (default: every usable core)");
  command.text("text-column", options->text_column, Value::kWord, "NAME|NUMBER",
               "The column that holds the text");
  command.number("seconds", options->seconds, 1, "Seconds of each measurement (default: 2)");
  command.flag("json", options->json, "Print one JSON object");
  command.example(
      "Example:\n  valence bench --model ./my-model --dtype all reviews.csv --text-column review");
}

}  // namespace valence::app
