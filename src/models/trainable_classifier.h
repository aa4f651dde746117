// A sequence classifier in training: a checkpoint's tensors as parameters, frozen matrices and LoRA updates,
// and the folders that it is saved as.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "formats/checkpoint.h"
#include "formats/model_files.h"
#include "models/config.h"
#include "models/weights.h"
#include "nn/trainable.h"

namespace valence::models {

// kFull: all weights, but for the word table where it is frozen. kLora: low-rank updates beside frozen
// weights and the head. kQlora: the same beside weights in NF4 with double quantization.
enum class TrainingMethod { kFull, kLora, kQlora };

struct LoraSettings {
  int64_t rank = 8;
  double alpha = 16;
  bool root_rank = false;  // rsLoRA (Kalajdzievski 2023): alpha / sqrt(rank)
  float dropout = 0;
  std::vector<std::string> targets;  // last parts of module names; empty: the family's
};

struct TrainableSettings {
  TrainingMethod method = TrainingMethod::kFull;
  LoraSettings lora;
  bool freeze_words = false;        // of kFull: the word table stays as it is
  std::vector<std::string> labels;  // the head is kept when the model's are the same
  Problem problem = Problem::kSingleLabel;
  uint64_t seed = 0;  // of new tensors
  bool bf16 = false;  // products with the encoder's matrices in bf16 where the machine has them
};

class TrainableClassifier {
 public:
  // `adapter`: the PEFT folder whose training goes on, or null; its own settings then replace settings.lora
  // but for the dropout. Errors: kBadData, kBadConfig, kUnavailable; kUsage for a target that no module has;
  // kBadData naming a tensor that holds a NaN or an infinity.
  // `backend` must outlive it.
  TrainableClassifier(formats::ModelFiles files, const formats::ModelFiles* adapter,
                      const TrainableSettings& settings, backend::TrainingBackend& backend);
  TrainableClassifier(const TrainableClassifier&) = delete;
  TrainableClassifier& operator=(const TrainableClassifier&) = delete;

  const nn::TrainableModel& model() const { return model_; }
  const ModelConfig& config() const { return config_; }  // with the labels of the settings
  std::vector<nn::Parameter*> trained();
  // Of the model, without updates.
  int64_t parameters() const { return parameter_count(config_, config_.labels.size()); }
  bool has_new_head() const { return new_head_; }
  // Of the frozen matrices as products find them.
  double frozen_bytes() const;
  // Gives the pages of frozen weights that were read back to the system: of a word table that lies in the
  // file the system maps far more than the rows that are looked up.
  void release_pages() const { checkpoint_.release(); }

  // Writes the trained state into an existing folder: a checkpoint that loads by itself (full), or a PEFT
  // folder with a config.json for the names of its labels. `base` is how the adapter names its model.
  // Errors: kRuntime.
  void save(const std::filesystem::path& folder, const std::string& base) const;
  // The trained tensors as save() wrote them. Errors: kBadData.
  void restore(const std::filesystem::path& folder);

 private:
  friend class TrainableBuilder;
  std::string saved_name(const nn::Parameter& tensor) const;
  void save_config(const std::filesystem::path& folder) const;
  void save_adapter_config(const std::filesystem::path& folder, const std::string& base) const;

  backend::TrainingBackend& backend_;
  formats::ModelFiles files_;
  formats::Checkpoint checkpoint_;  // stays mapped: frozen matrices and word tables point into it
  TrainableSettings settings_;
  std::string adapter_config_;  // of the adapter that goes on, as it was written
  ModelConfig config_;
  nn::TrainableModel model_;
  std::deque<nn::Parameter> tensors_;
  std::deque<Matrix> frozen_;
  std::deque<std::unique_ptr<backend::HeldMatrix>> held_;  // of `frozen_`, where products find it
  std::unique_ptr<backend::Table> word_table_;
  std::vector<std::string> saved_modules_;  // of the head, whole in an adapter
  bool new_head_ = false;
};

}  // namespace valence::models
