// valence routes: which route each language takes, and how good each was measured to be.

#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "commands.h"
#include "jobs/job_state.h"
#include "jobs/output.h"
#include "jobs/summary.h"
#include "output.h"
#include "routing/measure.h"
#include "routing_options.h"
#include "rows/column_values.h"

namespace valence::app {
namespace {

using routing::RouteRow;
using routing::RouteTable;

struct RoutesOptions {
  std::optional<std::string> table, measure, output, translator;
  ModelOptions model;
  bool json = false;
};

std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size() + 2, width), ' ');
  return text;
}

// What a route needs beside the program.
std::string needs(const RouteRow& row) {
  if (row.route == pipeline::Route::kTranslated) return "Helsinki-NLP/opus-mt-" + row.language + "-en";
  return row.route == pipeline::Route::kMultilingual ? "multilingual" : "the model";
}

std::string for_people(const RouteTable& table) {
  std::string out = "language  route         macro-F1  rows    needs\n";
  for (const RouteRow& row : table.rows()) {
    char figure[16] = "-";
    if (row.macro_f1) std::snprintf(figure, sizeof figure, "%.3f", *row.macro_f1);
    out += padded(printable(row.language, 40), 10) + padded(pipeline::route_name(row.route), 14) +
           padded(figure, 10) + padded(std::to_string(row.rows), 8) + needs(row) +
           (row.is_default ? "  (default)" : "") + "\n";
  }
  return out + "Other languages but English take the multilingual route, texts without one the native.\n";
}

struct Labelled {
  std::vector<routing::LabelledText> texts;
  uint64_t rejected = 0;
  std::string first_reject;  // where and why
};

// Of standard input: CSV.
Labelled read_texts(const std::string& path, const std::vector<std::string>& labels) {
  rows::ReaderOptions options;
  options.format = path == "-" ? rows::Format::kCsv : rows::format_by_name(path);
  options.text_column = "text";
  const auto reader = path == "-" ? rows::open_rows(rows::open_standard_input(), "standard input", options)
                                  : rows::open_rows(path, options);
  const rows::ColumnValues columns(*reader, {"language", "label"}, "--measure " + printable(path));
  Labelled read;
  auto& texts = read.texts;
  rows::Row row;
  while (reader->next(row)) {
    if (texts.size() % 1024 == 0) check_interrupt();
    const std::string where = printable(path) + ":" + std::to_string(row.line) + ": ";
    const auto bad = [&](const std::string& what) { throw Error(ErrorCode::kBadData, where + what); };
    if (row.rejected()) {
      if (read.rejected++ == 0) read.first_reject = where + row.reject.message;
      continue;
    }
    const std::vector<std::string> values = columns.of(row);
    std::string language = routing::language_code(values[0]);
    if (language.empty()) bad("the language " + printable(values[0], 40) + " is unknown");
    const auto label = std::ranges::find(labels, values[1]);
    if (label == labels.end()) bad("the label " + printable(values[1], 40) + " is none of the model's");
    texts.push_back(
        {std::move(language), static_cast<size_t>(label - labels.begin()), std::string(row.text_view())});
  }
  if (texts.empty()) throw Error(ErrorCode::kBadData, printable(path) + " has no row that can be used");
  return read;
}

// Sets `status` to 3 when rows were left out.
RouteTable measured(const RoutesOptions& options, int& status) {
  const api::ChosenModel chosen = choose_model(options.model);
  RoutingOptions routing;
  routing.translator = options.translator;
  const auto router = load_router(chosen, options.model, routing);
  const Labelled read = read_texts(*options.measure, router->labels());
  if (read.rejected > 0) {
    status = 3;
    write_all(STDERR_FILENO,
              "valence: " + jobs::with_commas(read.rejected) +
                  (read.rejected == 1 ? " row is" : " rows are") + " left out: " + read.first_reject + "\n",
              "standard error");
  }
  return routing::measure(*router, read.texts);
}

int routes(const RoutesOptions& options) {
  if (options.measure && options.table)
    throw Error(ErrorCode::kUsage, "routes: expected either --routes or --measure");
  if (options.output && !options.measure)
    throw Error(ErrorCode::kUsage, "routes: --output goes with --measure");
  std::unique_ptr<jobs::Output> output;  // before an hour of measuring
  if (options.output) {
    jobs::refuse_same_file(*options.measure, *options.output);
    output = jobs::open_output(*options.output);
  }
  int status = 0;
  const RouteTable table = options.measure ? measured(options, status)
                           : options.table ? read_route_table(*options.table)
                                           : RouteTable::embedded();
  if (output) {
    output->write(table.json(), "");
    jobs::JobState state;
    output->commit(state);
    return status;
  }
  print(options.json || (options.measure && ::isatty(STDOUT_FILENO) == 0) ? table.json() : for_people(table));
  return status;
}

}  // namespace

void add_routes(Program& program) {
  auto options = std::make_shared<RoutesOptions>();
  Command& command = program.add("routes", "Show or measure which route each language takes",
                                 [options] { return routes(*options); });
  command.flag("json", options->json, "Print a JSON list");
  command.text("routes", options->table, Value::kFile, "FILE",
               "Show this table instead of the program's own");
  command.text("measure", options->measure, Value::kFile, "DATA",
               "Measure on a file with the columns language, label and text");
  command.text("output,o", options->output, Value::kFile, "FILE",
               "Write what was measured here, for --routes");
  command.text("translator", options->translator, Value::kFolder, "MODEL",
               "For the route translated (default: Helsinki-NLP/opus-mt-LANG-en)");
  add_model_options(command, options->model);
}

}  // namespace valence::app
