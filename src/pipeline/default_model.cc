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
ModelSource default_model() {
  return {
      formats::ModelFiles::from_memory(
          "default", {{"config.json", {valence_default_config, valence_default_config_end}},
                      {"vocab.txt", {valence_default_vocabulary, valence_default_vocabulary_end}},
                      {"tokenizer_config.json", {valence_default_tokenizer, valence_default_tokenizer_end}},
                      {"model.safetensors", {valence_default_weights, valence_default_weights_end}}}),
      "default", ""};
}

}  // namespace valence::pipeline
