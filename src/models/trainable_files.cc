// The folders that a classifier in training is saved as.
#include <algorithm>
#include <cstring>
#include <set>

#include "base/error.h"
#include "formats/json.h"
#include "formats/safetensors_writer.h"
#include "models/trainable_classifier.h"

namespace valence::models {
namespace {

using formats::Json;
using nn::Parameter;

std::string architecture(Family family, const std::string& model_type) {
  if (family == Family::kDistilBert) return "DistilBertForSequenceClassification";
  if (family == Family::kBert) return "BertForSequenceClassification";
  if (model_type == "xlm-roberta") return "XLMRobertaForSequenceClassification";
  return model_type == "camembert" ? "CamembertForSequenceClassification"
                                   : "RobertaForSequenceClassification";
}

// `copy` holds the values where they are not the host's.
formats::TensorView view_of(const Parameter& parameter, std::string name, std::vector<float>& copy) {
  std::vector<int64_t> shape;
  if (!parameter.is_vector) shape.push_back(parameter.rows);
  shape.push_back(parameter.columns);
  return {std::move(name), formats::DType::kF32, std::move(shape),
          std::as_bytes(parameter.value.on_host(copy))};
}

Json strings(const std::vector<std::string>& values) {
  Json::Array list;
  for (const std::string& value : values) list.emplace_back(value);
  return Json(std::move(list));
}

void write_json(const std::filesystem::path& path, const Json& json) {
  AtomicFile file(path);
  file.write(json.dump() + "\n");
  file.commit();
}

}  // namespace

std::string TrainableClassifier::saved_name(const Parameter& tensor) const {
  return settings_.method == TrainingMethod::kFull ? tensor.name : "base_model.model." + tensor.name;
}

void TrainableClassifier::restore(const std::filesystem::path& folder) {
  const formats::ModelFiles files = formats::ModelFiles::from_folder(folder);
  const formats::Checkpoint checkpoint = settings_.method == TrainingMethod::kFull
                                             ? formats::Checkpoint::open(files)
                                             : formats::Checkpoint::open_adapter(files);
  for (Parameter* tensor : trained()) {
    const formats::TensorView& from = checkpoint.at(saved_name(*tensor));
    if (from.dtype != formats::DType::kF32 ||
        from.bytes.size() != static_cast<size_t>(tensor->count()) * sizeof(float)) {
      throw Error(ErrorCode::kBadData, checkpoint.describe() + ": tensor " + printable(from.name) +
                                           " is not the one that was trained");
    }
    backend_.copy_in(from.bytes.data(), from.bytes.size(), tensor->value.data());
  }
}

void TrainableClassifier::save(const std::filesystem::path& folder, const std::string& base) const {
  const bool full = settings_.method == TrainingMethod::kFull;
  std::vector<formats::TensorView> tensors;
  std::deque<std::vector<float>> copies;
  for (const Parameter& tensor : tensors_) {
    if (full || tensor.trained) tensors.push_back(view_of(tensor, saved_name(tensor), copies.emplace_back()));
  }
  save_config(folder);
  if (!full) save_adapter_config(folder, base);
  formats::write_safetensors(folder / (full ? "model.safetensors" : "adapter_model.safetensors"), tensors);
}

void TrainableClassifier::save_config(const std::filesystem::path& folder) const {
  const std::string where = files_.describe("config.json");
  Json::Object members = Json::parse(files_.open("config.json")->text(), where).as_object(where);
  std::string type;
  for (const auto& [key, value] : members) {
    if (key == "model_type" && value.is_string()) type = value.as_string(where);
  }
  static const std::set<std::string, std::less<>> kReplaced = {
      "architectures",       "id2label",    "label2id", "num_labels",   "problem_type",
      "quantization_config", "torch_dtype", "dtype",    "_name_or_path"};
  std::erase_if(members, [](const Json::Member& member) { return kReplaced.contains(member.first); });
  Json::Object by_id, by_label;
  for (size_t k = 0; k < config_.labels.size(); ++k) {
    by_id.emplace_back(std::to_string(k), Json(config_.labels[k]));
    by_label.emplace_back(config_.labels[k], Json(static_cast<int64_t>(k)));
  }
  const char* problem = config_.problem == Problem::kSingleLabel  ? "single_label_classification"
                        : config_.problem == Problem::kMultiLabel ? "multi_label_classification"
                                                                  : "regression";
  members.emplace_back("architectures", strings({architecture(config_.family, type)}));
  members.emplace_back("id2label", Json(std::move(by_id)));
  members.emplace_back("label2id", Json(std::move(by_label)));
  members.emplace_back("problem_type", Json(std::string(problem)));
  members.emplace_back("dtype", Json(std::string("float32")));
  write_json(folder / "config.json", Json(std::move(members)));
}

void TrainableClassifier::save_adapter_config(const std::filesystem::path& folder,
                                              const std::string& base) const {
  const std::filesystem::path path = folder / "adapter_config.json";
  if (!adapter_config_.empty()) {
    AtomicFile file(path);
    file.write(adapter_config_);
    file.commit();
    return;
  }
  const LoraSettings& lora = settings_.lora;
  // "classifier" stands for RoBERTa's whole head.
  std::vector<std::string> saved;
  for (const std::string& module : saved_modules_) {
    const std::string name = module.substr(0, module.find('.'));
    const std::string last = name == "bert" ? module.substr(name.size() + 1) : name;
    if (std::ranges::find(saved, last) == saved.end()) saved.push_back(last);
  }
  write_json(path, Json(Json::Object{{"peft_type", Json(std::string("LORA"))},
                                     {"task_type", Json(std::string("SEQ_CLS"))},
                                     {"base_model_name_or_path", Json(base)},
                                     {"inference_mode", Json(true)},
                                     {"r", Json(lora.rank)},
                                     {"lora_alpha", Json(lora.alpha)},
                                     {"lora_dropout", Json(static_cast<double>(lora.dropout))},
                                     {"use_rslora", Json(lora.root_rank)},
                                     {"target_modules", strings(lora.targets)},
                                     {"modules_to_save", strings(saved)},
                                     {"bias", Json(std::string("none"))},
                                     {"fan_in_fan_out", Json(false)},
                                     {"init_lora_weights", Json(true)},
                                     {"use_dora", Json(false)}}));
}

}  // namespace valence::models
