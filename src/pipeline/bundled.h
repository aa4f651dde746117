// The models and adapters that the program carries inside itself (the folders under models/). Their bytes are
// part of the program file, which the system maps: nothing is read or copied before it is used.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "pipeline/classifier.h"

namespace valence::pipeline {

struct Bundled {
  std::string_view name;         // what --model, or --tasks and --adapter, take
  std::string_view description;  // one line
  std::string_view folder;       // under models/
};

inline constexpr std::string_view kBundledLicence = "Apache-2.0";

std::span<const Bundled> bundled_models();    // the default first
std::span<const Bundled> bundled_adapters();  // all on the default
ModelSource source_of(const Bundled& bundled);

// Absent when none has this name.
std::optional<ModelSource> find_bundled_model(std::string_view name);
std::optional<ModelSource> find_bundled_adapter(std::string_view name);

// Named "default".
ModelSource default_model();

// The measured routes of these models (routing/route_table.h), as JSON.
std::string_view bundled_routes();

}  // namespace valence::pipeline
