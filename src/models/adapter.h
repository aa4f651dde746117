// LoRA adapters (Hu et al. 2021) for sequence classification, as PEFT saves them: adapter_config.json and
// adapter_model.safetensors.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/model_files.h"

namespace valence::models {

bool is_adapter(const formats::ModelFiles& files);
// base_model_name_or_path: the model that the adapter was trained on. Errors: kBadConfig.
std::string adapter_base(const formats::ModelFiles& files);

// The update of one matrix: W + scale * B A.
struct Lora {
  const formats::TensorView* a = nullptr;       // [rank, in]
  const formats::TensorView* b = nullptr;       // [out, rank]
  const formats::TensorView* b_bias = nullptr;  // [out], with lora_bias; else null
  float scale = 0;
};

class Adapter {
 public:
  // Errors: kBadConfig for settings that are no plain LoRA (DoRA, another peft_type), kBadData for tensors
  // that do not fit together.
  static Adapter load(const formats::ModelFiles& files);

  // The update of the module (by its name in the base, "distilbert.transformer.layer.0.attention.q_lin").
  std::optional<Lora> lora(const std::string& module);
  // A tensor that the adapter carries whole (modules_to_save, trained biases); null when it has none.
  const formats::TensorView* replacement(const std::string& name);
  // Errors: kBadData naming a tensor that no module of the base asked for: the adapter is another model's.
  void check_all_used() const;

  const formats::Checkpoint& checkpoint() const { return checkpoint_; }

 private:
  struct Config {
    double alpha = 8;
    bool root_rank = false;  // rsLoRA (Kalajdzievski 2023): alpha / sqrt(rank)
    int64_t rank = 8;
    std::vector<std::pair<std::string, double>> rank_pattern, alpha_pattern;
  };
  Adapter(formats::Checkpoint checkpoint, Config config);
  static Config read_config(const formats::ModelFiles& files);
  float scale_of(const std::string& module, int64_t rank) const;

  formats::Checkpoint checkpoint_;
  Config config_;
  std::map<std::string, const formats::TensorView*> tensors_;  // by the base's names
  std::set<const formats::TensorView*> used_;
};

}  // namespace valence::models
