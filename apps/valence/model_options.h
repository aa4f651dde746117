// The options by which commands name a model and say how it computes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/choose_model.h"
#include "command_line.h"
#include "pipeline/classifier.h"

namespace valence::app {

constexpr const char* kModelHelp = "A folder, org/name[@revision], a name of the catalogue, or default";

// As they were written; absent where they were not.
struct ModelOptions {
  std::optional<std::string> model, adapter, tasks, device, dtype, social, long_text;
  uint64_t expected_bytes = 0;  // of text, for --device auto
  std::optional<int> threads;
};

void add_model_option(Command& command, std::optional<std::string>& model);
void add_adapter_option(Command& command, std::optional<std::string>& adapter);
// --device, --dtype, --threads, --social, --long
void add_computing_options(Command& command, ModelOptions& options);
// --model, --adapter and those
void add_model_options(Command& command, ModelOptions& options);

using api::kDefaultModel;

// Bytes of an input file ("-" is standard input) as far as they can be known: 0 for a pipe.
uint64_t input_bytes(const std::string& file);

// What a model's name and what --model and --adapter stand for; a model of the hub that is not in the cache
// is downloaded. Errors: those of api::choose_model.
pipeline::ModelSource find_model(const std::string& name, hub::Need need = hub::Need::kModel);
api::ChosenModel choose_model(const ModelOptions& options);

// Errors: kUsage; those of api::choose_tasks.
pipeline::ClassifierOptions classifier_options(const ModelOptions& options);

// Reads the weights. Errors: those of Classifier::load.
std::unique_ptr<pipeline::Classifier> load_classifier(const api::ChosenModel& chosen,
                                                      const ModelOptions& options);

}  // namespace valence::app
