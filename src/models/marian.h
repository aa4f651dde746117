// A Marian checkpoint as transformers saves it (MarianMTModel) to the layers of nn/decoder.h.
#pragma once

#include <cstddef>
#include <optional>

#include "backend/decoding.h"
#include "formats/checkpoint.h"
#include "formats/model_files.h"
#include "models/marian_config.h"
#include "nn/decoder.h"

namespace valence::models {

struct MarianModel {
  MarianConfig config;
  GenerationSettings generation;
  backend::WeightType type = backend::WeightType::kFp32;
  nn::TranslationModel layers;
  formats::Checkpoint checkpoint;  // tables may lie in its mapped files
};

// `type`: that of the matrices, that of the checkpoint where absent. Errors: kBadData for weights that are
// missing or damaged; those of read_marian_config.
MarianModel load_marian(const formats::ModelFiles& files, std::optional<backend::WeightType> type,
                        backend::Backend& backend);

}  // namespace valence::models
