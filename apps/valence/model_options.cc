#include "model_options.h"

#include <filesystem>

#include "base/interrupt.h"

namespace valence::app {

void add_model_option(Command& command, std::optional<std::string>& model) {
  command.text("model", model, Value::kFolder, "MODEL", kModelHelp);
}

void add_adapter_option(Command& command, std::optional<std::string>& adapter) {
  command.text("adapter", adapter, Value::kFolder, "ADAPTER", "A PEFT LoRA adapter: a folder or a name");
}

void add_model_options(Command& command, ModelOptions& options) {
  add_model_option(command, options.model);
  add_adapter_option(command, options.adapter);
  add_computing_options(command, options);
}

void add_computing_options(Command& command, ModelOptions& options) {
  command.choice("device", options.device, {"auto", "cpu", "cuda"},
                 "Where to compute (auto: a GPU that is worth starting)");
  command.choice("dtype", options.dtype, {"fp32", "bf16", "int8", "nf4", "auto"},
                 "Type of the weights (auto: as stored; bf16 on a GPU)");
  command.number("threads", options.threads, 1, "Threads (default: every usable core)");
  command.choice("social", options.social, {"auto", "on", "off"},
                 "@user and http for names and links in tweets");
  command.choice("long", options.long_text, {"windows", "truncate", "error"},
                 "A text longer than the model takes");
}

uint64_t input_bytes(const std::string& file) {
  std::error_code error;
  const uint64_t bytes = std::filesystem::file_size(file == "-" ? "/dev/stdin" : file, error);
  return error ? 0 : bytes;
}

pipeline::ModelSource find_model(const std::string& name, hub::Need need) {
  return api::find_model(name, api::Download::kAllowed, need);
}

api::ChosenModel choose_model(const ModelOptions& options) {
  return api::choose_model(options.model, options.adapter, api::Download::kAllowed);
}

pipeline::ClassifierOptions classifier_options(const ModelOptions& options) {
  pipeline::ClassifierOptions parsed;
  parsed.device = api::parse_device(options.device.value_or("auto"));
  parsed.expected_bytes = options.expected_bytes;
  parsed.dtype = api::parse_dtype(options.dtype.value_or("auto"));
  parsed.social = api::parse_social(options.social.value_or("auto"));
  parsed.long_text = api::parse_long_text(options.long_text.value_or("windows"));
  parsed.threads = options.threads.value_or(0);
  parsed.stop = &interrupt_flag();
  if (options.tasks) parsed.tasks = api::choose_tasks(*options.tasks, api::Download::kAllowed);
  return parsed;
}

std::unique_ptr<pipeline::Classifier> load_classifier(const api::ChosenModel& chosen,
                                                      const ModelOptions& options) {
  return pipeline::Classifier::load(chosen.model, chosen.adapter ? &*chosen.adapter : nullptr,
                                    classifier_options(options));
}

}  // namespace valence::app
