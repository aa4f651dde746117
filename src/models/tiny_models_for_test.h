// Tiny checkpoints with the logits of transformers, PEFT and bitsandbytes (tools/make_model_goldens.py).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "formats/json.h"
#include "models/positions.h"
#include "models/sequence_classifier.h"

namespace valence::models {

using formats::Json;
using formats::ModelFiles;

inline ModelFiles golden_files(const std::string& name) {
  return ModelFiles::from_folder(std::filesystem::path(GOLDENS) / name);
}

struct Golden {
  std::vector<std::vector<int32_t>> ids;
  std::vector<std::vector<float>> logits;
};

inline Golden read_golden(const std::string& name) {
  const Json root = Json::parse(golden_files(name).open("golden.json")->text(), name);
  Golden golden;
  for (const Json& row : root.find("ids")->as_array("ids")) {
    golden.ids.emplace_back();
    for (const Json& id : row.as_array("ids"))
      golden.ids.back().push_back(static_cast<int32_t>(id.as_int("id")));
  }
  for (const Json& row : root.find("logits")->as_array("logits")) {
    golden.logits.emplace_back();
    for (const Json& value : row.as_array("row"))
      golden.logits.back().push_back(static_cast<float>(value.as_number("x")));
  }
  return golden;
}

// Logits of all texts in one packed batch.
inline std::vector<float> classify_in_one_batch(const SequenceClassifier& model, backend::Backend& backend,
                                                const std::vector<std::vector<int32_t>>& texts) {
  std::vector<int32_t> ids, positions, cumulative{0};
  for (const auto& text : texts) {
    ids.insert(ids.end(), text.begin(), text.end());
    cumulative.push_back(static_cast<int32_t>(ids.size()));
  }
  set_positions(model.config, ids, cumulative, positions);
  std::vector<float> logits(texts.size() * model.config.labels.size());
  nn::Workspace workspace;
  nn::classify(backend, model.encoder, model.head, {ids, positions, cumulative}, workspace, logits);
  return logits;
}

}  // namespace valence::models
