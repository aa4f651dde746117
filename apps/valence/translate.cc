// valence translate: lines in one language to lines in another, by a Marian model (OPUS-MT).

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/choose_model.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/threads.h"
#include "commands.h"
#include "formats/json.h"
#include "inputs.h"
#include "jobs/job_state.h"
#include "jobs/output.h"
#include "model_options.h"
#include "pipeline/letters.h"
#include "pipeline/translator.h"
#include "rows/row_reader.h"
#include "rows/row_writer.h"

namespace valence::app {
namespace {

// Rows that are read, translated and written at a time.
constexpr size_t kRowsAtATime = 2048;
constexpr int kMostBeams = 1000;

struct TranslateOptions {
  std::vector<std::string> arguments;
  std::optional<std::string> model, from, to, format, dtype, output;
  std::optional<int> beam, max_length, threads;
  bool explain = false;
};

std::string checked_language(const std::string& option, std::string code) {
  for (char& c : code) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (pipeline::is_language_code(code)) return code;
  throw Error(ErrorCode::kUsage, "--" + option + " " + printable(code.empty() ? "''" : code) +
                                     " is no language, expected a code of ISO 639 such as fr");
}

std::string model_name(const TranslateOptions& options) {
  if (options.model && !options.from && !options.to) return *options.model;
  if (options.model || !options.from || !options.to) {
    throw Error(ErrorCode::kUsage, "translate: expected either --model, or --from and --to");
  }
  const std::string from = checked_language("from", *options.from), to = checked_language("to", *options.to);
  return "Helsinki-NLP/opus-mt-" + from + "-" + to;
}

std::unique_ptr<pipeline::Translator> load(const TranslateOptions& options) {
  const pipeline::ModelSource model = find_model(model_name(options));
  pipeline::TranslatorOptions chosen;
  chosen.type = api::parse_dtype(options.dtype.value_or("auto"));
  chosen.beams = options.beam;
  if (options.max_length) chosen.max_length = *options.max_length;
  return pipeline::Translator::load(model.files, chosen);
}

enum class Form { kPlain, kExplained, kJson };

Form form_of(const TranslateOptions& options) {
  const std::string output = options.output.value_or("");
  const bool by_name = output.ends_with(".jsonl") || output.ends_with(".ndjson");
  if (options.format ? options.format == "jsonl" : by_name && !options.explain) return Form::kJson;
  return options.explain ? Form::kExplained : Form::kPlain;
}

void append_json(const rows::Row& row, const pipeline::Translation& translation, std::string& out) {
  out += "{\"line\":" + std::to_string(row.line) + ",\"text\":";
  formats::append_json_string(out, row.text_view());
  out += ",\"translation\":";
  formats::append_json_string(out, translation.text);
  out += ",\"ids\":[";
  for (size_t k = 0; k < translation.ids.size(); ++k) {
    if (k > 0) out += ',';
    out += std::to_string(translation.ids[k]);
  }
  out += std::string("],\"status\":\"") + pipeline::status_name(translation.status) + "\"}\n";
}

bool rejected(const rows::Row& row) { return row.rejected() && row.reject.reason != "empty_text"; }

// On one line; with `tabs` as separators none remains inside.
void append_text(std::string text, bool tabs, std::string& out) {
  std::ranges::replace_if(text, [&](char c) { return c == '\n' || c == '\r' || (tabs && c == '\t'); }, ' ');
  out += text;
}

// A line of output for each of input, whatever became of it.
void append_line(const rows::Row& row, const pipeline::Translation& translation, Form form,
                 std::string& out) {
  if (form == Form::kExplained) {
    append_text(std::string(rejected(row) ? "" : row.text_view()), true, out);
    out += '\t';
  }
  append_text(translation.text, form == Form::kExplained, out);
  if (form == Form::kExplained) out += std::string("\t") + pipeline::status_name(translation.status);
  out += '\n';
}

// Reads some rows; fewer than kRowsAtATime only at the end.
std::vector<rows::Row> read_rows(rows::RowReader& reader) {
  std::vector<rows::Row> rows;
  rows::Row row;
  while (rows.size() < kRowsAtATime && reader.next(row)) rows.push_back(std::move(row));
  return rows;
}

// Returns how many rows were rejected.
size_t translate_rows(const pipeline::Translator& translator, int threads, Form form,
                      const std::vector<rows::Row>& rows, jobs::Output& output) {
  std::vector<std::string> texts;
  for (const rows::Row& row : rows) texts.emplace_back(rejected(row) ? "" : row.text_view());
  const std::vector<pipeline::Translation> translations = translator.translate(texts, threads);
  std::string lines, rejects;
  size_t count = 0;
  for (size_t k = 0; k < rows.size(); ++k) {
    if (rejected(rows[k])) {
      rows::append_reject(rows[k], rejects);
      ++count;
      if (form == Form::kJson) continue;
    }
    if (form == Form::kJson) {
      append_json(rows[k], translations[k], lines);
    } else {
      append_line(rows[k], translations[k], form, lines);
    }
  }
  output.write(lines, rejects);
  return count;
}

int translate(const TranslateOptions& options) {
  if (options.beam && *options.beam > kMostBeams) {
    throw Error(ErrorCode::kUsage, "--beam is " + std::to_string(*options.beam) + ", expected 1 to " +
                                       std::to_string(kMostBeams));
  }
  const auto& arguments = options.arguments;
  const Input input =
      file_or_stdin(arguments.empty() ? std::nullopt : std::optional<std::string>(arguments.front()));
  if (input.kind == Input::Kind::kFile) jobs::refuse_same_file(input.file, options.output.value_or(""));
  const auto translator = load(options);
  const auto reader = input.kind == Input::Kind::kFile
                          ? rows::open_rows(input.file, rows::ReaderOptions{})
                          : rows::open_rows(rows::open_standard_input(), "standard input", {});
  const auto output = jobs::open_output(options.output.value_or(""));
  const Form form = form_of(options);
  size_t reject_count = 0;
  while (true) {
    const std::vector<rows::Row> rows = read_rows(*reader);
    if (rows.empty()) break;
    reject_count +=
        translate_rows(*translator, options.threads.value_or(usable_cores()), form, rows, *output);
  }
  jobs::JobState state;
  output->commit(state);
  return reject_count > 0 ? 3 : 0;
}

}  // namespace

void add_translate(Program& program) {
  auto options = std::make_shared<TranslateOptions>();
  Command& command = program.add("translate", "Translate lines with a Marian model (OPUS-MT)",
                                 [options] { return translate(*options); });
  command.arguments(options->arguments, "FILE", 0, 1,
                    "A file of plain lines, or - for standard input (default)");
  command.text("model", options->model, Value::kFolder, "MODEL", "A folder or org/name[@revision]");
  command.text("from", options->from, Value::kWord, "CODE", "The language of the lines, as ISO 639 has it");
  command.text("to", options->to, Value::kWord, "CODE", "Into this language, by opus-mt-FROM-TO");
  command.choice("format", options->format, {"plain", "jsonl"},
                 "jsonl: with ids and a status (default: by OUTPUT)");
  command.flag("explain-route", options->explain,
               "Each text, its translation and the status, with tabs between");
  command.number("beam", options->beam, 1,
                 "Hypotheses at a time (default: as the model's configuration says)");
  command.number("max-length", options->max_length, 1,
                 "The most tokens, the start token included (default: likewise)");
  command.choice("dtype", options->dtype, {"auto", "fp32", "bf16", "int8", "nf4"},
                 "Type of the weights (auto: as stored)");
  command.number("threads", options->threads, 1, "Threads (default: every usable core)");
  command.text("output,o", options->output, Value::kFile, "FILE",
               "Where the lines go (default: standard output)");
  command.example("Example:\n  valence translate --from fr --to en reviews.txt -o reviews.en.txt");
}

}  // namespace valence::app
