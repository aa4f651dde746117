// valence quantize: a model's folder in 8 or 4 bits, which loads again by --model.

#include "pipeline/quantize.h"

#include <string>

#include "base/error.h"
#include "commands.h"
#include "model_options.h"

namespace valence::app {
namespace {

struct QuantizeOptions {
  std::vector<std::string> model;
  std::optional<std::string> dtype, words, output;
};

int quantize(const QuantizeOptions& options) {
  if (!options.dtype) throw Error(ErrorCode::kUsage, "quantize: --dtype is missing, expected int8 or nf4");
  if (!options.output) throw Error(ErrorCode::kUsage, "quantize: --output is missing, expected a new folder");
  const api::ChosenModel chosen = api::choose_model(options.model.front(), {}, api::Download::kAllowed);
  if (chosen.adapter) {
    throw Error(ErrorCode::kUsage, "quantize: " + printable(options.model.front()) +
                                       " is an adapter, expected the model that it belongs to");
  }
  pipeline::quantize_model(chosen.model.files, *api::parse_dtype(*options.dtype),
                           options.words ? api::parse_dtype(*options.words) : std::nullopt, *options.output);
  return 0;
}

}  // namespace

void add_quantize(Program& program) {
  auto options = std::make_shared<QuantizeOptions>();
  Command& command = program.add("quantize", "Write a model's folder with its matrices in 8 or 4 bits",
                                 [options] { return quantize(*options); });
  command.arguments(options->model, "MODEL", 1, 1, kModelHelp);
  command.choice("dtype", options->dtype, {"int8", "nf4"},
                 "int8: a scale for each row; nf4: as bitsandbytes, double");
  command.choice("words", options->words, {"int8", "nf4"},
                 "Type of the word table (default: int8, or as it is)");
  command.text("output,o", options->output, Value::kFolder, "DIR",
               "A folder that does not exist, or is empty");
  command.example("Example:\n  valence quantize ./my-model --dtype int8 -o ./my-model-int8");
}

}  // namespace valence::app
