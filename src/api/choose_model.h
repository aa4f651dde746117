// From what users write to the files of a model, for the library and the program alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "hub/hub.h"
#include "pipeline/classifier.h"

namespace valence::api {

constexpr const char* kDefaultModel = "default";  // of the models that the program carries

enum class Download { kAllowed, kNever };

// `name` is that of a model or an adapter that the program carries, whatever lies beside the user; a folder,
// a name of the catalogue, or org/name[@revision] of the hub. Errors: those of hub::resolve.
pipeline::ModelSource find_model(const std::string& name, Download download,
                                 hub::Need need = hub::Need::kModel);

// A model, and the PEFT adapter on it if there is one.
struct ChosenModel {
  pipeline::ModelSource model;
  std::optional<pipeline::ModelSource> adapter;
};

// Either name may be that of a PEFT adapter; without a model of its own the adapter's base_model_name_or_path
// is it; with neither it is kDefaultModel. Errors: kUsage when both are adapters; kBadConfig; those of
// find_model.
ChosenModel choose_model(const std::optional<std::string>& model, const std::optional<std::string>& adapter,
                         Download download);

// Tasks by name, separated by commas: "sentiment" is the model's own answer, another name an adapter that the
// program carries, or a PEFT adapter, whose last part names the task. Errors: kUsage for a name that stands
// twice; those of find_model.
std::vector<pipeline::TaskSource> choose_tasks(const std::string& names, Download download);

// "fp32", "bf16", "int8", "nf4"; absent for "auto". Errors: kUsage for another word.
std::optional<backend::WeightType> parse_dtype(const std::string& dtype);
// "auto", "cpu", "cuda". Errors: kUsage for another word.
pipeline::Device parse_device(const std::string& device);
// "auto", "on", "off". Errors: kUsage for another word.
pipeline::Social parse_social(const std::string& social);
// "windows", "truncate", "error". Errors: kUsage for another word.
pipeline::LongText parse_long_text(const std::string& long_text);

}  // namespace valence::api
