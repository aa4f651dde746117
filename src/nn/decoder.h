// A transformer that writes a text about another one (Vaswani et al. 2017, post-norm), as whole-tensor
// operations on packed rows: an encoder of the source, and a decoder that goes one token on for many
// hypotheses at a time, with their keys and values kept.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/decoding.h"
#include "nn/encoder.h"

namespace valence::nn {

struct DecoderLayer {
  std::unique_ptr<backend::Linear> query_key_value;   // [3 * hidden, hidden]
  std::unique_ptr<backend::Linear> attention_output;  // [hidden, hidden]
  std::unique_ptr<backend::Norm> attention_norm;
  std::unique_ptr<backend::Linear> source_query;      // [hidden, hidden]
  std::unique_ptr<backend::Linear> source_key_value;  // [2 * hidden, hidden]
  std::unique_ptr<backend::Linear> source_output;     // [hidden, hidden]
  std::unique_ptr<backend::Norm> source_norm;
  std::unique_ptr<backend::Linear> intermediate;  // [intermediate, hidden]
  std::unique_ptr<backend::Linear> output;        // [hidden, intermediate]
  std::unique_ptr<backend::Norm> output_norm;
};

struct TranslationModel {
  std::shared_ptr<backend::Table> source_words, target_words;  // [vocabulary, hidden], one for both or two
  std::unique_ptr<backend::Table> source_positions, target_positions;
  float embedding_scale = 1;
  Encoder encoder;  // its layers alone: all of them, and no last one
  std::vector<DecoderLayer> layers;
  // The rows of [vocabulary, hidden] in parts, each with its bias, so that the logits of a part stay in
  // cache.
  std::vector<std::unique_ptr<backend::Linear>> vocabulary;
  int64_t hidden = 0, intermediate = 0;  // of the decoder
  int heads = 0;
  backend::Activation activation = backend::Activation::kSilu;

  int head_dim() const { return static_cast<int>(hidden) / heads; }
};

// What a decoder keeps of a text: its keys and values in each layer.
using Source = std::vector<std::unique_ptr<backend::SourceKeys>>;

// A row of a step: the last token of a hypothesis. `slots` belong to the tokens before it; the step appends
// its own. Rows of the same source stand side by side.
struct StepRow {
  const Source* source = nullptr;
  int32_t token = 0;
  std::vector<int32_t>* slots = nullptr;
};

// One for each worker; the model may be shared.
class Decoder {
 public:
  Decoder(const TranslationModel& model, backend::DecodingBackend& backend);

  // The sources of several texts: ids side by side, cumulative_lengths [texts + 1].
  std::vector<Source> read(std::span<const int32_t> ids, std::span<const int32_t> cumulative_lengths);
  // Puts the best next tokens of each row into its scores. The rows are all that live: memory of hypotheses
  // that are no longer among them is used again.
  void step(std::span<const StepRow> rows, std::span<backend::TokenScores> scores);

 private:
  void append_slots(std::span<const StepRow> rows);
  void run_layer(int index, std::span<const StepRow> rows, backend::Activations x);
  backend::Activations room(std::unique_ptr<backend::Buffer>& buffer, int64_t count);

  const TranslationModel& model_;
  backend::DecodingBackend& decoding_;
  backend::Backend& backend_;
  Workspace workspace_;
  std::unique_ptr<backend::TokenMemory> memory_;
  std::vector<int32_t> free_;  // slots
  int32_t slot_count_ = 0;
  std::vector<int32_t> tokens_, positions_;
  std::vector<const std::vector<int32_t>*> histories_;
  std::vector<backend::SourceRows> source_rows_;
};

}  // namespace valence::nn
