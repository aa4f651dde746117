#include "pipeline/default_model.h"

#include <span>

// The bytes of the files, placed by default_model_files.S.
extern "C" {
extern const std::byte valence_default_config[], valence_default_config_end[];
extern const std::byte valence_default_vocabulary[], valence_default_vocabulary_end[];
extern const std::byte valence_default_tokenizer[], valence_default_tokenizer_end[];
extern const std::byte valence_default_weights[], valence_default_weights_end[];
}

namespace valence::pipeline {
namespace {

struct BundledAdapter {
  const char* task;
  const std::byte *config, *config_end;      // config.json: its labels
  const std::byte *settings, *settings_end;  // adapter_config.json
  const std::byte *weights, *weights_end;    // adapter_model.safetensors
};

// In the order in which they are listed.
const std::vector<BundledAdapter> kAdapters = {};

}  // namespace

ModelSource default_model() {
  return {
      formats::ModelFiles::from_memory(
          "default", {{"config.json", {valence_default_config, valence_default_config_end}},
                      {"vocab.txt", {valence_default_vocabulary, valence_default_vocabulary_end}},
                      {"tokenizer_config.json", {valence_default_tokenizer, valence_default_tokenizer_end}},
                      {"model.safetensors", {valence_default_weights, valence_default_weights_end}}}),
      "default", ""};
}

std::vector<std::string> bundled_tasks() {
  std::vector<std::string> names;
  for (const BundledAdapter& adapter : kAdapters) names.emplace_back(adapter.task);
  return names;
}

std::optional<ModelSource> bundled_adapter(const std::string& task) {
  for (const BundledAdapter& adapter : kAdapters) {
    if (task != adapter.task) continue;
    return ModelSource{formats::ModelFiles::from_memory(
                           task, {{"config.json", {adapter.config, adapter.config_end}},
                                  {"adapter_config.json", {adapter.settings, adapter.settings_end}},
                                  {"adapter_model.safetensors", {adapter.weights, adapter.weights_end}}}),
                       task, ""};
  }
  return std::nullopt;
}

}  // namespace valence::pipeline
