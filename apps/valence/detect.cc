// valence detect: the language of each line, and of its parts.

#include <unistd.h>

#include <memory>
#include <string>

#include "base/files.h"
#include "base/threads.h"
#include "commands.h"
#include "inputs.h"
#include "jobs/job_state.h"
#include "jobs/output.h"
#include "language/detect_lines.h"
#include "rows/encoding.h"

namespace valence::app {
namespace {

struct DetectOptions {
  std::vector<std::string> arguments;
  std::optional<std::string> model, output;
  std::optional<int> threads;
  bool all = false;
};

std::unique_ptr<rows::ByteSource> open_input(const Input& input) {
  return input.kind == Input::Kind::kFile ? rows::open_bytes(input.file) : rows::open_standard_input();
}

std::string describe(const language::DetectOutcome& outcome) {
  std::string text = "valence: " + std::to_string(outcome.rejected) +
                     (outcome.rejected == 1 ? " line is" : " lines are") + " no valid UTF-8 and left out: ";
  for (size_t i = 0; i < outcome.first_rejected.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(outcome.first_rejected[i]);
  }
  return text + (outcome.rejected > outcome.first_rejected.size() ? ", …\n" : "\n");
}

int detect(const DetectOptions& options) {
  const auto& arguments = options.arguments;
  const Input input =
      file_or_stdin(arguments.empty() ? std::nullopt : std::optional<std::string>(arguments.front()));
  rows::TextSource source(open_input(input), std::nullopt, true);
  const auto detector =
      options.model ? language::Detector::load(*options.model) : language::Detector::embedded();
  const std::string name = options.output.value_or("");
  if (input.kind == Input::Kind::kFile) jobs::refuse_same_file(input.file, name);
  const auto output = jobs::open_output(name);
  const auto outcome = language::detect_lines(
      detector, options.all, options.threads.value_or(usable_cores()),
      [&](std::string& out) { return source.read(out); },
      [&](std::string_view text) { output->write(text, ""); });
  jobs::JobState state;
  output->commit(state);
  if (outcome.rejected == 0) return 0;
  write_all(STDERR_FILENO, describe(outcome), "standard error");
  return 3;
}

}  // namespace

void add_detect(Program& program) {
  auto options = std::make_shared<DetectOptions>();
  Command& command = program.add("detect", "The language of each line, and of its parts",
                                 [options] { return detect(*options); });
  command.arguments(options->arguments, "FILE", 0, 1,
                    "A file of plain lines, or - for standard input (default)");
  command.text("model", options->model, Value::kFile, "FILE",
               "A .bin or .ftz of fastText (default: lid.176, part of the program)");
  command.flag("all", options->all, "Add the model's five best candidates for the raw line");
  command.text("output,o", options->output, Value::kFile, "FILE",
               "Where to write (default: standard output)");
  command.number("threads", options->threads, 1, "Threads (default: every usable core)");
  command.example("Example:\n  echo \"Guten Morgen, liebe Leute\" | valence detect -");
}

}  // namespace valence::app
