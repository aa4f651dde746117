// The models that the program carries inside itself: models/default, and models/adapters on it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/classifier.h"

namespace valence::pipeline {

// Named "default"; its files are part of the program, so nothing is read from disk.
ModelSource default_model();

// The tasks that there are carried adapters for, and the adapter of one; absent for another name.
std::vector<std::string> bundled_tasks();
std::optional<ModelSource> bundled_adapter(const std::string& task);

}  // namespace valence::pipeline
