// valence tokenize: the ids, tokens and offsets of each line.

#include <memory>
#include <string>

#include "base/threads.h"
#include "commands.h"
#include "inputs.h"
#include "model_options.h"
#include "output.h"
#include "rows/encoding.h"
#include "text/tokenize_lines.h"

namespace valence::app {
namespace {

struct TokenizeOptions {
  std::vector<std::string> arguments;
  std::optional<std::string> model, format;
  std::optional<int> threads;
};

text::TokenFormat token_format(const std::optional<std::string>& name) {
  if (name == "ids") return text::TokenFormat::kIds;
  return name == "count" ? text::TokenFormat::kCount : text::TokenFormat::kJson;
}

std::unique_ptr<rows::ByteSource> open_input(const Input& input) {
  return input.kind == Input::Kind::kFile ? rows::open_bytes(input.file) : rows::open_standard_input();
}

int tokenize(const TokenizeOptions& options) {
  const auto& arguments = options.arguments;
  const Input input =
      file_or_stdin(arguments.empty() ? std::nullopt : std::optional<std::string>(arguments.front()));
  rows::TextSource source(open_input(input), std::nullopt, true);
  const auto tokenizer = text::Tokenizer::load(find_model(options.model.value_or(kDefaultModel)).files);
  text::tokenize_lines(
      *tokenizer, token_format(options.format), options.threads.value_or(usable_cores()),
      [&](std::string& out) { return source.read(out); }, print);
  return 0;
}

}  // namespace

void add_tokenize(Program& program) {
  auto options = std::make_shared<TokenizeOptions>();
  Command& command = program.add("tokenize", "The ids, tokens and offsets of each line",
                                 [options] { return tokenize(*options); });
  command.arguments(options->arguments, "FILE", 0, 1,
                    "A file of plain lines, or - for standard input (default)");
  add_model_option(command, options->model);
  command.choice("format", options->format, {"json", "ids", "count"},
                 "json: ids, tokens and offsets; ids: numbers only; count: how many");
  command.number("threads", options->threads, 1, "Threads (default: every usable core)");
  command.example("Example:\n  echo \"I love this\" | valence tokenize --format ids -");
}

}  // namespace valence::app
