// The encoder of encoder.h in training: each layer's forward pass with its backward pass beside it, on packed
// batches, from the word ids to the gradients of all trained tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "backend/floats.h"
#include "backend/training.h"
#include "nn/encoder.h"
#include "nn/parameter.h"

namespace valence::nn {

// y = W x + b with a matrix that is frozen, or trained, or frozen with a LoRA update beside it (Hu et al.
// 2021): + scale * up (down (dropout x)).
struct TrainableDense {
  Parameter* weight = nullptr;   // [out, in]; null: `frozen` is the matrix
  backend::MatrixSource frozen;  // points into memory of the model's
  Parameter* bias = nullptr;     // [out]
  Parameter* down = nullptr;     // [rank, in]; null without LoRA
  Parameter* up = nullptr;       // [out, rank]
  float scale = 0;               // alpha / rank, or alpha / sqrt(rank)
  float dropout = 0;             // of the update's input
  uint64_t site = 0;             // tells the dropouts of a model apart
  bool bf16 = false;             // products with `matrix()` in bf16 where the machine has them

  backend::MatrixSource matrix() const { return weight != nullptr ? weight->source() : frozen; }
  int64_t out_features() const { return matrix().out_features; }
  int64_t in_features() const { return matrix().in_features; }
  // Whether its gradients are made of its input.
  bool input_is_read() const { return (weight != nullptr && weight->trained) || down != nullptr; }
  // Whether a gradient stops here: nothing of it is trained.
  bool is_frozen() const { return !input_is_read() && !bias->trained; }
};

struct TrainableNorm {
  Parameter* gamma = nullptr;  // [hidden]
  Parameter* beta = nullptr;
  float epsilon = 1e-12f;
  bool is_frozen() const { return !gamma->trained && !beta->trained; }
};

struct TrainableLayer {
  TrainableDense query, key, value, attention_output;
  TrainableNorm attention_norm;
  TrainableDense intermediate, output;
  TrainableNorm output_norm;
  uint64_t site = 0;
};

struct TrainableModel {
  int64_t hidden = 0, intermediate = 0;
  int heads = 0;
  backend::Activation activation = backend::Activation::kGelu;
  // Of the embeddings and the feed-forward network's output; of the attention's output; of its probabilities;
  // of the head.
  float hidden_dropout = 0, projection_dropout = 0, attention_dropout = 0, head_dropout = 0;

  Parameter* words = nullptr;  // null: frozen_words, looked up in place
  const backend::Table* frozen_words = nullptr;
  Parameter* positions = nullptr;
  Parameter* types = nullptr;  // [types, hidden], of which row 0 is added; null without
  TrainableNorm norm;
  std::vector<TrainableLayer> layers;

  bool head_drops_first = false;  // RoBERTa: before the dense layer of the head as well
  TrainableDense head;
  backend::Activation head_activation = backend::Activation::kTanh;
  TrainableDense head_output;  // [labels, hidden]

  int head_dim() const { return static_cast<int>(hidden) / heads; }
};

// How a pass trades time for memory.
struct PassOptions {
  // Keep each layer's input only, and compute the layer again in the backward pass (Chen et al. 2016): the
  // same gradients, bit for bit.
  bool recompute = false;
  // Store the attention's probabilities instead of computing them again.
  bool standard_attention = false;
};

// Forward and backward passes over a model, and the memory between them. Not thread-safe.
class TrainingPass {
  using Floats = backend::Floats;

 public:
  TrainingPass(const TrainableModel& model, backend::TrainingBackend& backend, const PassOptions& options);

  // As many tokens as are best computed at once.
  int64_t tokens() const { return backend_.pass_tokens(); }
  // logits [sequences, labels] in the host's memory. Without a key nothing is dropped. The batch's spans must
  // stay until backward().
  std::span<const float> forward(const Batch& batch, std::optional<uint64_t> dropout_key);
  // The logits alone, nothing dropped and of one layer at a time what it computes: backward() may not follow.
  std::span<const float> infer(const Batch& batch);
  // Adds to the gradients of all trained tensors, from those of the logits of the last forward().
  void backward(std::span<const float> d_logits);

 private:
  struct NormState {
    Floats normal;  // [rows, hidden]
    Floats scale;   // [rows]
  };
  // What the backward pass of a layer needs of its forward pass.
  struct LayerState {
    Floats query;          // [queries, hidden]
    Floats key_value;      // [tokens, 2 * hidden]
    Floats attended;       // [queries, hidden]
    Floats log_sums;       // [heads, queries]
    Floats probabilities;  // of standard attention
    Floats wide;           // [queries, intermediate], before the activation
    NormState attention_norm, output_norm;
    Floats low[6];  // [rows, rank] of each dense's update, in their order in TrainableLayer
  };

  bool is_last(size_t layer) const { return layer + 1 == model_.layers.size(); }
  int64_t queries_of(size_t layer) const { return is_last(layer) ? batch_.sequences() : batch_.tokens(); }
  // Nothing of the layer is needed by the backward pass of this batch.
  bool passes_by(size_t layer) const { return inferring_ || layer < lowest_; }
  // Of a layer, [tokens, hidden], and after the last of the head, [sequences, hidden].
  Floats& input_of(size_t layer) { return inputs_[passes_by(layer) ? layer % 2 : layer]; }
  LayerState& state_of(size_t layer) { return states_[options_.recompute || passes_by(layer) ? 0 : layer]; }
  // The input of a layer, or the first tokens of it where the layer computes no more.
  const float* query_input(size_t layer);
  backend::AttentionShape attention_shape(size_t layer) const;
  backend::Dropout dropout(float rate, uint64_t site) const;

  std::span<const float> logits_of(const Batch& batch);
  void embed(float* x);
  void embed_backward(float* d_x);
  void layer_forward(size_t index, LayerState& state, float* output);
  // d_output [queries, hidden] is used up; d_input [tokens, hidden] may be null.
  void layer_backward(size_t index, LayerState& state, float* d_output, float* d_input);
  void head_forward(const float* first);
  void head_backward(const float* d_logits, const float* first, float* d_first);

  void dense_forward(const TrainableDense& dense, const float* x, int64_t rows, float* y, int64_t y_stride,
                     Floats& low);
  // d_x [rows, in] may be null; it is added to with `accumulate`.
  void dense_backward(const TrainableDense& dense, const float* x, int64_t rows, const float* d_y,
                      int64_t d_y_stride, const Floats& low, bool accumulate, float* d_x);
  // x [rows, in] as the update of a dense sees it.
  const float* update_input(const TrainableDense& dense, const float* x, int64_t rows);
  // y = norm(dropout(y) + residual), its state filled; y is used up.
  void add_and_normalize(const TrainableNorm& norm, const backend::Dropout& dropout, float* y,
                         const float* residual, int64_t rows, NormState& state, float* out);
  void norm_backward(const TrainableNorm& norm, const NormState& state, int64_t rows, const float* d_y,
                     float* d_x);
  const float* restored(const TrainableNorm& norm, const NormState& state, int64_t rows);

  const TrainableModel& model_;
  backend::TrainingBackend& backend_;
  const PassOptions options_;
  size_t lowest_ = 0;  // the first layer with something to train, 0 when the embeddings have
  bool embeddings_trained_ = false;

  Batch batch_;
  std::optional<uint64_t> key_;
  NormState embedding_norm_;
  bool inferring_ = false;
  std::vector<Floats> inputs_;      // as input_of() finds them
  std::vector<LayerState> states_;  // as state_of() finds them; one when recomputing
  Floats head_input_, head_wide_, head_low_[2], pooled_, logits_, d_logits_;
  std::vector<float> host_logits_;  // a copy of logits_ where that is not the host's
  // Used within one function at a time, by name of what they hold.
  Floats first_, sum_, activated_, normal_, update_input_, d_update_, d_low_;
  Floats d_layer_, d_below_, d_wide_, d_dropped_, d_attended_, d_query_, d_key_value_;
};

}  // namespace valence::nn
