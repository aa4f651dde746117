// config.json and generation_config.json of a Marian translation model.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "formats/model_files.h"

namespace valence::models {

struct MarianConfig {
  int64_t source_vocab = 0, target_vocab = 0;
  int64_t hidden = 0;
  int64_t encoder_layers = 0, decoder_layers = 0;
  int64_t encoder_heads = 0, decoder_heads = 0;
  int64_t encoder_intermediate = 0, decoder_intermediate = 0;
  int64_t positions = 0;  // rows of the position tables
  backend::Activation activation = backend::Activation::kSilu;
  float embedding_scale = 1;
  bool shared_embeddings = true;  // of both sides
  bool tied_output = true;        // the output projection is the target's embedding
  int32_t pad = 0, start = 0;     // start: what the decoder begins with
};

// How a text is generated, in the words of transformers' GenerationConfig.
struct GenerationSettings {
  enum class EarlyStopping { kNo, kYes, kNever };
  int beams = 1;
  int64_t max_length = 512;  // tokens, the start token included
  float length_penalty = 1;
  EarlyStopping early_stopping = EarlyStopping::kNo;
  bool renormalize = false;                 // probabilities without the forbidden tokens
  std::vector<int32_t> ends;                // tokens that end a text, rising
  std::optional<int32_t> forced_end;        // the token at max_length
  std::vector<int32_t> forbidden;           // never generated, rising
  std::vector<std::vector<int32_t>> never;  // longer sequences that are never generated
};

// Errors: kBadData or kBadConfig naming the file and the key.
MarianConfig read_marian_config(const formats::ModelFiles& files);
// Of generation_config.json, or of config.json where there is none.
GenerationSettings read_generation_settings(const formats::ModelFiles& files, const MarianConfig& config);

}  // namespace valence::models
