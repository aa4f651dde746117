// valence convert: a checkpoint, pickled ones too, into a folder with safetensors; nothing in it is executed.

#include "formats/convert.h"

#include <string>

#include "base/error.h"
#include "commands.h"
#include "model_options.h"

namespace valence::app {
namespace {

struct ConvertOptions {
  std::vector<std::string> source;
  std::optional<std::string> output;
};

int convert(const ConvertOptions& options) {
  if (!options.output) throw Error(ErrorCode::kUsage, "convert: --output is missing, expected a new folder");
  formats::convert(find_model(options.source.front()).files, *options.output);
  return 0;
}

}  // namespace

void add_convert(Program& program) {
  auto options = std::make_shared<ConvertOptions>();
  Command& command = program.add("convert", "Write a model's folder with its weights as safetensors",
                                 [options] { return convert(*options); });
  command.arguments(options->source, "MODEL", 1, 1, kModelHelp);
  command.text("output,o", options->output, Value::kFolder, "DIR",
               "A folder that does not exist, or is empty");
  command.example("Example:\n  valence convert ./my-model -o ./my-model-safetensors");
}

}  // namespace valence::app
