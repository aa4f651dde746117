#include "models/adapter.h"

#include <cmath>

#include "base/error.h"
#include "formats/json.h"

namespace valence::models {
namespace {

using formats::Json;
using formats::TensorView;

constexpr const char* kConfigName = "adapter_config.json";

Json read_root(const formats::ModelFiles& files) {
  const std::string where = files.describe(kConfigName);
  Json root = Json::parse(files.open(kConfigName)->text(), where);
  const Json* type = root.get("peft_type");
  if (type == nullptr)
    throw Error(ErrorCode::kBadConfig, where + ": peft_type is missing: this is no PEFT adapter");
  if (type->as_string(where + ": peft_type") != "LORA") {
    throw Error(ErrorCode::kBadConfig,
                where + ": peft_type is " + printable(type->as_string("")) + ", expected LORA");
  }
  return root;
}

// Removes every `part` from `name`.
void drop(std::string& name, std::string_view part) {
  for (size_t at = name.find(part); at != name.npos; at = name.find(part)) name.erase(at, part.size());
}

// A tensor's name in the base: without PEFT's wrappers around modules.
std::string base_name(std::string name) {
  constexpr std::string_view kPrefix = "base_model.model.";
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  drop(name, "modules_to_save.default.");
  drop(name, "modules_to_save.");
  drop(name, "original_module.");
  drop(name, "base_layer.");
  for (std::string_view part : {"lora_A", "lora_B"}) {
    const std::string old = std::string(part) + ".default.";
    if (const size_t at = name.find(old); at != name.npos)
      name.replace(at, old.size(), std::string(part) + ".");
  }
  return name;
}

// As PEFT reads the keys of rank_pattern and alpha_pattern: the module's whole name or its last parts.
bool matches(const std::string& pattern, const std::string& module) {
  if (module == pattern) return true;
  return module.size() > pattern.size() && module.ends_with(pattern) &&
         module[module.size() - pattern.size() - 1] == '.';
}

std::vector<std::pair<std::string, double>> read_pattern(const Json& root, std::string_view key,
                                                         const std::string& where) {
  std::vector<std::pair<std::string, double>> pattern;
  const Json* map = root.get(key);
  if (map == nullptr) return pattern;
  const std::string what = where + ": " + std::string(key);
  for (const auto& [name, value] : map->as_object(what)) {
    if (name.find_first_of("^$*+?()[]{}|\\") != name.npos) {
      throw Error(ErrorCode::kBadConfig,
                  what + ": expected names of modules, got the regular expression " + printable(name));
    }
    pattern.emplace_back(name, value.as_number(what));
  }
  return pattern;
}

}  // namespace

bool is_adapter(const formats::ModelFiles& files) { return files.has(kConfigName); }

std::string adapter_base(const formats::ModelFiles& files) {
  const Json root = read_root(files);
  const std::string what = files.describe(kConfigName) + ": base_model_name_or_path";
  const Json* base = root.get("base_model_name_or_path");
  if (base == nullptr || base->as_string(what).empty()) {
    throw Error(ErrorCode::kBadConfig, what + " is missing: name the base with --model");
  }
  return base->as_string(what);
}

Adapter::Config Adapter::read_config(const formats::ModelFiles& files) {
  const std::string where = files.describe(kConfigName);
  const Json root = read_root(files);
  Config config;
  if (const Json* rank = root.get("r")) config.rank = rank->as_int(where + ": r");
  if (const Json* alpha = root.get("lora_alpha")) config.alpha = alpha->as_number(where + ": lora_alpha");
  if (config.rank < 1) throw Error(ErrorCode::kBadConfig, where + ": r is below 1");
  if (!std::isfinite(config.alpha))
    throw Error(ErrorCode::kBadConfig, where + ": lora_alpha is no finite number");
  const auto flag = [&](const char* key) {
    const Json* value = root.get(key);
    return value != nullptr && value->as_bool(where + ": " + key);
  };
  config.root_rank = flag("use_rslora");
  for (const char* unsupported : {"use_dora", "use_qalora"}) {
    if (flag(unsupported)) {
      throw Error(ErrorCode::kBadConfig,
                  where + ": " + unsupported + " is true, expected a plain LoRA adapter");
    }
  }
  config.rank_pattern = read_pattern(root, "rank_pattern", where);
  config.alpha_pattern = read_pattern(root, "alpha_pattern", where);
  return config;
}

Adapter::Adapter(formats::Checkpoint checkpoint, Config config)
    : checkpoint_(std::move(checkpoint)), config_(std::move(config)) {
  for (const auto& [name, tensor] : checkpoint_.tensors()) {
    const auto [place, added] = tensors_.emplace(base_name(name), &tensor);
    if (added) continue;
    // With trained biases PEFT writes those of a saved head twice: as they were, and as they are.
    if (place->second->name.find("modules_to_save") != name.npos) {
      used_.insert(&tensor);
    } else if (name.find("modules_to_save") != name.npos) {
      used_.insert(place->second);
      place->second = &tensor;
    } else {
      throw Error(ErrorCode::kBadData,
                  checkpoint_.describe() + ": two tensors stand for " + printable(place->first));
    }
  }
}

Adapter Adapter::load(const formats::ModelFiles& files) {
  Config config = read_config(files);
  return Adapter(formats::Checkpoint::open_adapter(files), std::move(config));
}

float Adapter::scale_of(const std::string& module, int64_t rank) const {
  double alpha = config_.alpha;
  double expected = static_cast<double>(config_.rank);
  for (const auto& [pattern, value] : config_.alpha_pattern) {
    if (matches(pattern, module)) alpha = value;
  }
  for (const auto& [pattern, value] : config_.rank_pattern) {
    if (matches(pattern, module)) expected = value;
  }
  if (rank < 1 || static_cast<double>(rank) != expected) {
    throw Error(ErrorCode::kBadData, checkpoint_.describe() + ": the adapter of " + printable(module) +
                                         " has rank " + std::to_string(rank) + ", its configuration says " +
                                         std::to_string(static_cast<int64_t>(expected)));
  }
  const double r = static_cast<double>(rank);
  return static_cast<float>(alpha / (config_.root_rank ? std::sqrt(r) : r));
}

std::optional<Lora> Adapter::lora(const std::string& module) {
  const TensorView* a = replacement(module + ".lora_A.weight");
  const TensorView* b = replacement(module + ".lora_B.weight");
  const TensorView* b_bias = replacement(module + ".lora_B.bias");
  if (a == nullptr && b == nullptr) return std::nullopt;
  if (a == nullptr || b == nullptr) {
    throw Error(ErrorCode::kBadData, checkpoint_.describe() + ": " + printable(module) + " has lora_" +
                                         (a == nullptr ? "B and no lora_A" : "A and no lora_B"));
  }
  if (a->shape.size() != 2 || b->shape.size() != 2 || a->shape[0] != b->shape[1]) {
    throw Error(ErrorCode::kBadData, checkpoint_.describe() + ": " + printable(module) + " has lora_A " +
                                         formats::shape_text(a->shape) + " and lora_B " +
                                         formats::shape_text(b->shape) +
                                         ", expected [rank, in] and [out, rank]");
  }
  return Lora{a, b, b_bias, scale_of(module, a->shape[0])};
}

const TensorView* Adapter::replacement(const std::string& name) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return nullptr;
  used_.insert(found->second);
  return found->second;
}

void Adapter::check_all_used() const {
  for (const auto& [name, tensor] : tensors_) {
    if (!used_.contains(tensor)) {
      throw Error(ErrorCode::kBadData,
                  checkpoint_.describe() + ": tensor " + printable(tensor->name) +
                      " has no place in the base model: is it an adapter of another one?");
    }
  }
}

}  // namespace valence::models
