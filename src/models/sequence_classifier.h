// An encoder with its classification head, built from a model's files for one type of weights.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "formats/checkpoint.h"
#include "formats/model_files.h"
#include "models/config.h"
#include "nn/encoder.h"

namespace valence::models {

struct SequenceClassifier {
  ModelConfig config;
  backend::WeightType type = backend::WeightType::kFp32;  // of the encoder's matrices; the head is fp32
  nn::Encoder encoder;
  nn::ClassificationHead head;
  size_t weight_bytes = 0;
  formats::Checkpoint checkpoint;  // stays mapped: word tables may point into it
  std::optional<formats::Checkpoint> adapter;

  int64_t labels() const { return static_cast<int64_t>(config.labels.size()); }
};

// `adapter` is a PEFT folder or null. Without `type` the backend chooses by the type that they are stored in
// (F16 and F64 count as fp32). int8 and NF4 keep the word table in int8; fp32 and bf16 read it from the file.
// An adapter is merged into the weights, except into NF4, where it stays apart.
// Errors: kBadData, kBadConfig, kUnavailable.
SequenceClassifier load_sequence_classifier(const formats::ModelFiles& files,
                                            const formats::ModelFiles* adapter,
                                            std::optional<backend::WeightType> type,
                                            backend::Backend& backend);

// Another task by the encoder of a classifier: what a PEFT adapter makes of the layers that it touches, and
// its head.
struct TaskClassifier {
  ModelConfig config;  // with the labels of the adapter
  nn::Branch branch;
  size_t weight_bytes = 0;
  formats::Checkpoint adapter;

  int64_t labels() const { return static_cast<int64_t>(config.labels.size()); }
};

// `files` and `type` are those of the classifier that it goes with. Errors: those of
// load_sequence_classifier; kBadData for an adapter that changes more than layers and head.
TaskClassifier load_task_classifier(const formats::ModelFiles& files, const formats::ModelFiles& adapter,
                                    backend::WeightType type, backend::Backend& backend);

}  // namespace valence::models
