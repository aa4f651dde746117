// A post-norm transformer encoder (Vaswani et al. 2017; BERT, Devlin et al. 2019) and the head that reads its
// first token, as whole-tensor operations of a Backend on packed batches.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace valence::nn {

// y = W x + b, and with an adapter beside it (LoRA, Hu et al. 2021) + up (down x).
struct Dense {
  std::unique_ptr<backend::Linear> weight;
  std::unique_ptr<backend::Linear> down, up;  // [rank, in] and [out, rank], the scale in `up`; null without
};

struct Embeddings {
  std::unique_ptr<backend::Table> words;  // [vocabulary, hidden]
  // [positions, hidden], the row of token type 0 added to each; where there is a second type, the same again
  // with the row of type 1.
  std::unique_ptr<backend::Table> positions;
  std::unique_ptr<backend::Norm> norm;
};

struct FeedForward {
  std::unique_ptr<backend::Norm> attention_norm;
  Dense attention_output;  // [hidden, hidden]
  Dense intermediate;      // [intermediate, hidden]
  Dense output;            // [hidden, intermediate]
  std::unique_ptr<backend::Norm> output_norm;
};

struct EncoderLayer {
  Dense query_key_value;  // [3 * hidden, hidden]
  FeedForward rest;
};

// Of the last layer only each sequence's first token is computed: nothing else is read.
struct LastLayer {
  Dense query;  // [hidden, hidden]
  std::unique_ptr<backend::FirstTokenProjection> key_value;
  FeedForward rest;
};

struct Encoder {
  Embeddings embeddings;
  std::vector<EncoderLayer> layers;  // all but the last
  LastLayer last;
  int64_t hidden = 0, intermediate = 0;
  int heads = 0;
  backend::Activation activation = backend::Activation::kGelu;

  int head_dim() const { return static_cast<int>(hidden) / heads; }
};

struct ClassificationHead {
  Dense dense;  // [hidden, hidden]
  backend::Activation activation = backend::Activation::kTanh;
  std::unique_ptr<backend::Linear> output;  // [labels, hidden]
};

// Another task by the same encoder: layers of its own from `first_layer` on, and a head. What lies below is
// computed once for all.
struct Branch {
  size_t first_layer = 0;            // of Encoder::layers, or their number: the last layer alone
  std::vector<EncoderLayer> layers;  // in the place of those from first_layer on
  LastLayer last;
  ClassificationHead head;
};

using backend::Batch;

// Memory for activations, kept from batch to batch; one for each worker.
struct Workspace {
  std::unique_ptr<backend::Buffer> hidden, branch, wide, attended, next, low_rank, update, first;
};

// x [tokens, hidden] of the batch that the backend has begun is replaced by the layer's output.
void run_layer(backend::Backend& backend, const Encoder& encoder, const EncoderLayer& layer, int64_t tokens,
               backend::Activations x, Workspace& workspace);

// logits [sequences, labels] of each sequence of the batch.
void classify(backend::Backend& backend, const Encoder& encoder, const ClassificationHead& head,
              const Batch& batch, Workspace& workspace, std::span<float> logits);
// The same, and those of each branch: logits.front() is of `head`, the others of the branches in their order.
void classify(backend::Backend& backend, const Encoder& encoder, const ClassificationHead& head,
              std::span<const Branch* const> branches, const Batch& batch, Workspace& workspace,
              std::span<const std::span<float>> logits);

}  // namespace valence::nn
