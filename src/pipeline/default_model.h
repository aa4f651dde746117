// The model that the program carries inside itself (models/default).
#pragma once

#include "pipeline/classifier.h"

namespace valence::pipeline {

// Named "default"; its files are part of the program, so nothing is read from disk.
ModelSource default_model();

}  // namespace valence::pipeline
