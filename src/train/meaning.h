// What the words and numbers of Settings mean for one run.
#pragma once

#include <string>
#include <vector>

#include "models/trainable_classifier.h"
#include "train/dataset.h"
#include "train/optimizer.h"
#include "train/settings.h"

namespace valence::train {

// Throws kUsage with "train: " in front.
[[noreturn]] void contradiction(const std::string& message);

// What needs no data to be seen as wrong. Errors: kUsage.
void check_settings(const Settings& settings);

models::Problem problem_of(const Settings& settings, models::Problem of_model);
OptimizerOptions optimizer_of(const Settings& settings);

// How the model becomes trainable: method, LoRA and the labels of the data, sorted. Errors: kBadData when no
// row is left, or none has a label, or all have the same.
models::TrainableSettings trainable_settings(const Settings& settings, const Dataset& data,
                                             models::Problem problem, const models::ModelConfig& config);

// The weight of each of data.names(): of "auto" rows / (classes x rows of the class); empty when all are 1.
// Errors: kUsage.
std::vector<double> class_weights(const Settings& settings, const Dataset& data, models::Problem problem);

// The learning rate of a step, from 0, of `steps`: it rises over the warm-up and then follows the schedule.
double rate_of_step(const Settings& settings, int64_t step, int64_t steps);

// The rows of `data` in an order that seed and purpose decide.
std::vector<int64_t> shuffled_rows(const Settings& settings, const Dataset& data, const std::string& purpose);
// Takes the share of the validation out of the data, the same of each class.
Dataset split_validation(const Settings& settings, Dataset& data, models::Problem problem);

}  // namespace valence::train
