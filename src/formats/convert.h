// `valence convert`: the weights of a model, pickled ones too, as safetensors.
#pragma once

#include <filesystem>
#include <string_view>

#include "formats/model_files.h"

namespace valence::formats {

// Writes the folder `out`, which must not exist or be empty, with the same tensors, bit for bit, in one
// model.safetensors (of a PEFT folder adapter_model.safetensors), and the other files of the model beside it.
// Of tensors that share all of their memory the first by name is written; the metadata names the others as
// its twins, as safetensors.torch.save_model does. One tensor at a time is in memory. Errors: those of
// Checkpoint::open; kUsage for a folder that is taken; kRuntime when it cannot be written.
void convert(const ModelFiles& source, const std::filesystem::path& out);

// Copies what is beside the weights into an existing folder, all but `except`. Errors: kRuntime.
void copy_other_files(const ModelFiles& source, const std::filesystem::path& folder,
                      std::string_view except = {});

}  // namespace valence::formats
