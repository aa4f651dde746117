// config.json of an encoder with a classification head, in the spellings of transformers 4 and 5.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "formats/model_files.h"

namespace valence::models {

enum class Family { kBert, kDistilBert, kRoberta };  // kRoberta: XLM-RoBERTa too
enum class Problem { kSingleLabel, kMultiLabel, kRegression };

struct ModelConfig {
  Family family = Family::kBert;
  int64_t vocab_size = 0;
  int64_t hidden = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t intermediate = 0;
  int64_t position_rows = 0;  // rows of the position table
  int64_t type_rows = 0;      // rows of the token type table; 0 without one
  int64_t pad_id = 0;
  float epsilon = 1e-12f;  // of the layer norms
  backend::Activation activation = backend::Activation::kGelu;
  Problem problem = Problem::kSingleLabel;
  std::vector<std::string> labels;  // in the order of the logits
  std::string origin;               // _name_or_path: what the model says it was made from; may be empty

  int64_t head_dim() const { return hidden / heads; }
  // RoBERTa counts positions from pad_id + 1, the others from 0.
  int64_t first_position() const { return family == Family::kRoberta ? pad_id + 1 : 0; }
  // Tokens that the position table has rows for, special tokens included.
  int64_t max_tokens() const { return position_rows - first_position(); }
};

enum class Expected { kClassifier, kEncoder };  // kEncoder: with a head or without

// Reads and checks config.json; nothing is allocated by its numbers.
// Errors: kBadData or kBadConfig, naming the file and the key.
ModelConfig read_config(const formats::ModelFiles& files, Expected expected = Expected::kClassifier);

// Values of the encoder and a head for so many labels.
int64_t parameter_count(const ModelConfig& config, size_t labels);

// How much training drops, as config.json says: of the embeddings and each block's output, of the attention's
// probabilities, of what the head reads. Errors: kBadConfig for a rate outside [0, 1).
struct DropoutRates {
  float hidden = 0, attention = 0, head = 0;
};
DropoutRates read_dropout_rates(const formats::ModelFiles& files, Family family);

// The longest input in tokens: what the position table holds, or less when tokenizer_config.json says so.
int64_t longest_input(const formats::ModelFiles& files, const ModelConfig& config);

}  // namespace valence::models
