// What a run says of itself before it begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/trainable_classifier.h"
#include "train/dataset.h"
#include "train/settings.h"

namespace valence::train {

// Rows that are skipped, and texts that are cut at `limit` tokens; a line each.
std::vector<std::string> remarks_on(const Dataset& data, int64_t limit);

// Rows and the balance of their labels, what is trained, steps and the memory that they take; a pass computes
// up to `pass_tokens` together.
std::vector<std::string> plan_of_run(const Settings& settings, const Dataset& data, const Dataset& validation,
                                     const models::TrainableClassifier& model, int64_t trainable,
                                     int64_t steps, int64_t pass_tokens);

// "about 1:02:03 on this machine"
std::string expected_time(double seconds);

}  // namespace valence::train
