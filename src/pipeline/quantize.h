// `valence quantize`: a model's folder with its matrices in 8 or 4 bits.
#pragma once

#include <filesystem>
#include <optional>

#include "backend/backend.h"
#include "formats/model_files.h"

namespace valence::pipeline {

// Writes the folder `out`, which must not exist, with the other files of the model beside the weights.
// kInt8: the encoder's matrices and the word table as I8 with `<name>_scale` F32 [rows] beside each.
// kNf4: the encoder's matrices in the layout of bitsandbytes with double quantization, which transformers
// reads too; the word table stays as it is. Heads, norms and biases stay too. `words` is another type for the
// word table, kInt8 or kNf4. Errors: kUsage for another type or an existing folder, kBadData for a model that
// is quantized already, kRuntime when the folder cannot be written.
void quantize_model(const formats::ModelFiles& source, backend::WeightType type,
                    std::optional<backend::WeightType> words, const std::filesystem::path& out);

}  // namespace valence::pipeline
