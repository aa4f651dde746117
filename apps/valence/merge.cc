// valence merge and valence export: a trained adapter as a checkpoint of its own, or as a folder for PEFT.

#include <string>

#include "backend/backend.h"
#include "base/error.h"
#include "base/files.h"
#include "commands.h"
#include "model_options.h"
#include "models/trainable_classifier.h"
#include "text/tokenizer.h"

namespace valence::app {
namespace {

struct MergeOptions {
  std::vector<std::string> adapter;
  std::optional<std::string> model, output;
};

// Writes the adapter with its base as one model (kFull), or by itself (kLora).
int write_out(const MergeOptions& options, const std::string& command, models::TrainingMethod method) {
  const std::string& name = options.adapter.front();
  if (!options.output)
    throw Error(ErrorCode::kUsage, command + ": --output is missing, expected a new folder");
  const api::ChosenModel chosen = options.model
                                      ? api::choose_model(options.model, name, api::Download::kAllowed)
                                      : api::choose_model(name, {}, api::Download::kAllowed);
  if (!chosen.adapter) {
    throw Error(ErrorCode::kUsage,
                command + ": " + printable(name) + " is a whole model, expected an adapter");
  }
  const formats::ModelFiles& adapter = chosen.adapter->files;
  models::TrainableSettings settings;
  settings.method = method;
  const bool names_labels = adapter.has("config.json");
  const models::ModelConfig config =
      models::read_config(names_labels ? adapter : chosen.model.files, models::Expected::kEncoder);
  settings.labels = config.labels;
  settings.problem = config.problem;
  const auto backend = backend::make_cpu_training_backend();
  const models::TrainableClassifier model(chosen.model.files, &adapter, settings, *backend);
  AtomicFolder folder(*options.output);
  model.save(folder.temporary(), chosen.model.name);
  text::copy_tokenizer_files(adapter.has("tokenizer.json") ? adapter : chosen.model.files,
                             folder.temporary());
  folder.commit();
  return 0;
}

void add(Program& program, const char* name, const char* summary, models::TrainingMethod method,
         const char* example) {
  auto options = std::make_shared<MergeOptions>();
  Command& command = program.add(name, summary, [=] { return write_out(*options, name, method); });
  command.arguments(options->adapter, "ADAPTER", 1, 1, "A folder that valence train or PEFT wrote");
  add_model_option(command, options->model);
  command.text("output,o", options->output, Value::kFolder, "DIR",
               "A folder that does not exist, or is empty");
  command.example(example);
}

}  // namespace

void add_merge(Program& program) {
  add(program, "merge", "Write an adapter and its base as one model", models::TrainingMethod::kFull,
      "Example:\n  valence merge ./my-adapter -o ./my-model");
}

void add_export(Program& program) {
  add(program, "export", "Write an adapter as a folder that PEFT loads", models::TrainingMethod::kLora,
      "Example:\n  valence export ./my-adapter -o ./for-peft");
}

}  // namespace valence::app
