// `valence quantize`: a model's folder with its matrices in 8 or 4 bits.
#pragma once

#include <filesystem>

#include "backend/backend.h"
#include "formats/model_files.h"

namespace valence::pipeline {

// Writes the folder `out`, which must not exist, with the other files of the model beside the weights.
// kInt8: the encoder's matrices and the word table as I8 with `<name>_scale` F32 [rows] beside each.
// kNf4: the encoder's matrices in the layout of bitsandbytes with double quantization, which transformers
// reads too; the word table as F16. Heads, norms and biases stay as they are.
// Errors: kUsage for another type or an existing folder, kBadData for a model that is quantized already,
// kRuntime when the folder cannot be written.
void quantize_model(const formats::ModelFiles& source, backend::WeightType type,
                    const std::filesystem::path& out);

}  // namespace valence::pipeline
