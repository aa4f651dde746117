// What the checkpoints of each family call their tensors.
#pragma once

#include <string>

#include "models/config.h"

namespace valence::models {

struct EmbeddingNames {
  std::string words, positions, types, norm;  // modules; types is empty where there are none
};

struct LayerNames {
  std::string query, key, value, attention_output, attention_norm, intermediate, output, output_norm;
};

struct HeadNames {
  std::string dense, output;
};

EmbeddingNames embedding_names(Family family);
LayerNames layer_names(Family family, int64_t layer);
HeadNames head_names(Family family);

}  // namespace valence::models
