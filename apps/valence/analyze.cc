// valence analyze: texts, a file or standard input to labels.

#include <string>

#include "base/error.h"
#include "commands.h"
#include "inputs.h"
#include "jobs/job.h"
#include "model_options.h"
#include "routing_options.h"

namespace valence::app {
namespace {

struct AnalyzeOptions {
  std::vector<std::string> arguments, texts;
  std::optional<std::string> file, input_format, text_column, language_column, encoding, output, format;
  std::optional<int> top_k;
  ModelOptions model;
  RoutingOptions routing;
  pipeline::DetailOptions details;
  bool logits = false, provenance = false, escape_formulas = false, resume = false, quiet = false;
};

std::optional<rows::Format> input_format(const std::optional<std::string>& name) {
  if (!name) return {};
  if (*name == "csv") return rows::Format::kCsv;
  if (*name == "tsv") return rows::Format::kTsv;
  return *name == "jsonl" ? rows::Format::kJsonLines : rows::Format::kLines;
}

std::optional<rows::OutputFormat> output_format(const std::optional<std::string>& name) {
  if (!name) return {};
  if (*name == "csv") return rows::OutputFormat::kCsv;
  if (*name == "tsv") return rows::OutputFormat::kTsv;
  return *name == "jsonl" ? rows::OutputFormat::kJsonLines : rows::OutputFormat::kTable;
}

jobs::JobOptions job_options(const AnalyzeOptions& options) {
  const Input input = choose_input(options.arguments, options.texts, options.file);
  jobs::JobOptions job;
  job.texts = input.texts;
  job.file = input.file;
  job.input_format = input_format(options.input_format);
  job.text_column = options.text_column;
  job.language_column = options.language_column;
  if (options.encoding) {
    job.encoding = rows::encoding_by_name(*options.encoding);
    if (!job.encoding) {
      throw Error(ErrorCode::kUsage,
                  "analyze: encoding " + printable(*options.encoding) +
                      " is unknown, expected utf-8, utf-16le, utf-16be, latin-1 or windows-1252");
    }
  }
  job.output = options.output.value_or("");
  job.format = output_format(options.format);
  job.logits = options.logits;
  job.provenance = options.provenance;
  job.top_k = options.top_k.value_or(0);
  job.escape_formulas = options.escape_formulas;
  job.details = options.details;
  job.resume = options.resume;
  job.quiet = options.quiet;
  return job;
}

// The job first: a user's mistake shows before a model is loaded.
int analyze(const AnalyzeOptions& options) {
  const jobs::JobOptions described = job_options(options);
  jobs::Job job(described);
  ModelOptions model = options.model;
  model.expected_bytes = input_bytes(described.file);
  const auto classifier =
      load_routed(choose_model(model), model, options.routing, options.language_column.has_value());
  return job.run(*classifier).exit_status;
}

}  // namespace

void add_analyze(Program& program) {
  auto options = std::make_shared<AnalyzeOptions>();
  Command& command = program.add("analyze", "Label texts, a file or standard input",
                                 [options] { return analyze(*options); });
  command.arguments(options->arguments, "INPUT", 0, SIZE_MAX, "Texts, or one file, or - for standard input");
  command.texts("text", options->texts, "TEXT", "A text, whatever it looks like; may be repeated");
  command.text("file", options->file, Value::kFile, "FILE", "A file, whatever its name looks like");
  command.mark_as_input("text");
  command.mark_as_input("file");
  command.choice("input-format", options->input_format, {"lines", "csv", "tsv", "jsonl"},
                 "Format of the input (default: by its name)");
  command.text("text-column", options->text_column, Value::kWord, "NAME|NUMBER",
               "The column or field that holds the text");
  command.text("encoding", options->encoding, Value::kWord, "NAME",
               "Encoding of the input (default: detected)");
  command.text("output,o", options->output, Value::kFile, "FILE", "Write here instead of standard output");
  command.choice("format", options->format, {"table", "csv", "tsv", "jsonl"}, "Format of the output");
  add_model_options(command, options->model);
  command.text("tasks", options->model.tasks, Value::kWord, "TASK,TASK",
               "Also answer these from the same pass: valence adapters");
  add_routing_options(command, options->routing);
  command.text("language-column", options->language_column, Value::kWord, "NAME|NUMBER",
               "The column or field that names each text's language");
  command.number("top-k", options->top_k, 1, "Scores of the N best labels only");
  command.flag("logits", options->logits, "Add the logits");
  command.flag("provenance", options->provenance, "Add the model, its hash, type and device");
  command.flag("sentences", options->details.sentences, "Add each sentence with its label (jsonl)");
  command.flag("explain", options->details.explain, "Add how much each word counts (jsonl)");
  command.flag("escape-formulas", options->escape_formulas, "Put ' before what a spreadsheet would run");
  command.flag("resume", options->resume, "Go on where an interrupted run stopped");
  command.flag("quiet,q", options->quiet, "No progress and no summary");
  command.example(
      "Examples:\n"
      "  valence analyze \"I love this\" \"worst day ever\"\n"
      "  valence analyze reviews.csv --text-column review -o labelled.csv");
}

}  // namespace valence::app
