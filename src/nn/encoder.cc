#include "nn/encoder.h"

#include <algorithm>

#include "base/error.h"

namespace valence::nn {
namespace {

using backend::Activations;
using backend::Backend;
using backend::Buffer;
using backend::ConstActivations;
using backend::Epilogue;

Activations room_for(Backend& backend, std::unique_ptr<Buffer>& buffer, int64_t count) {
  if (!buffer || buffer->capacity() < count) {
    buffer.reset();
    buffer = backend.make_buffer(count);
  }
  return buffer->activations();
}

// y [rows, out] = activation(W x + b + up (down x)) + residual.
void apply(Backend& backend, const Dense& dense, ConstActivations x, int64_t rows, Epilogue epilogue,
           Activations y, Workspace& workspace) {
  if (dense.down) {
    const Activations low = room_for(backend, workspace.low_rank, rows * dense.down->out_features());
    const Activations update = room_for(backend, workspace.update, rows * dense.up->out_features());
    backend.linear(*dense.down, x, rows, {}, low);
    backend.linear(*dense.up, low, rows, {}, update);
    epilogue.addend = update;
  }
  backend.linear(*dense.weight, x, rows, epilogue, y);
}

// The second half of a layer: attended [rows, hidden] is projected and added to x, then the feed-forward
// network; x [rows, hidden] is replaced by the layer's output.
void feed_forward(Backend& backend, const Encoder& encoder, const FeedForward& layer,
                  ConstActivations attended, int64_t rows, Activations x, Workspace& workspace) {
  const Activations sum = room_for(backend, workspace.next, rows * encoder.hidden);
  apply(backend, layer.attention_output, attended, rows, {.residual = x}, sum, workspace);
  backend.normalize(*layer.attention_norm, rows, sum);
  const Activations wide = room_for(backend, workspace.wide, rows * encoder.intermediate);
  apply(backend, layer.intermediate, sum, rows, {.activation = encoder.activation}, wide, workspace);
  apply(backend, layer.output, wide, rows, {.residual = sum}, x, workspace);
  backend.normalize(*layer.output_norm, rows, x);
}

}  // namespace

void run_layer(Backend& backend, const Encoder& encoder, const EncoderLayer& layer, int64_t tokens,
               Activations x, Workspace& workspace) {
  const int64_t hidden = encoder.hidden;
  // One buffer for the two widest, so that it does not grow in the middle of a layer.
  const Activations qkv =
      room_for(backend, workspace.wide, tokens * std::max(3 * hidden, encoder.intermediate));
  const Activations attended = room_for(backend, workspace.attended, tokens * hidden);
  apply(backend, layer.query_key_value, x, tokens, {}, qkv, workspace);
  backend.attention(qkv, encoder.heads, encoder.head_dim(), attended);
  feed_forward(backend, encoder, layer.rest, attended, tokens, x, workspace);
}

namespace {

// The last layer for the first token of each sequence, and the head; x [tokens, hidden] stays.
void read_out(Backend& backend, const Encoder& encoder, const LastLayer& last, const ClassificationHead& head,
              const Batch& batch, ConstActivations x, Workspace& workspace, std::span<float> logits) {
  const int64_t hidden = encoder.hidden, sequences = batch.sequences();
  VALENCE_CHECK(static_cast<int64_t>(logits.size()) == sequences * head.output->out_features());
  const Activations first = room_for(backend, workspace.first, sequences * hidden);
  backend.first_tokens(x, hidden, first);
  const Activations query = room_for(backend, workspace.wide, sequences * hidden);
  const Activations attended = room_for(backend, workspace.attended, sequences * hidden);
  apply(backend, last.query, first, sequences, {}, query, workspace);
  backend.attention_first_token(*last.key_value, query, x, encoder.heads, encoder.head_dim(), attended);
  feed_forward(backend, encoder, last.rest, attended, sequences, first, workspace);
  const Activations pooled = room_for(backend, workspace.next, sequences * hidden);
  apply(backend, head.dense, first, sequences, {.activation = head.activation}, pooled, workspace);
  backend.logits(*head.output, pooled, sequences, logits);
}

void run_branch(Backend& backend, const Encoder& encoder, const Branch& branch, const Batch& batch,
                ConstActivations x, Workspace& workspace, std::span<float> logits) {
  if (!branch.layers.empty()) {
    const int64_t count = batch.tokens() * encoder.hidden;
    const Activations own = room_for(backend, workspace.branch, count);
    backend.copy(x, count, own);
    for (const EncoderLayer& layer : branch.layers)
      run_layer(backend, encoder, layer, batch.tokens(), own, workspace);
    x = own;
  }
  read_out(backend, encoder, branch.last, branch.head, batch, x, workspace, logits);
}

}  // namespace

void classify(Backend& backend, const Encoder& encoder, const ClassificationHead& head,
              std::span<const Branch* const> branches, const Batch& batch, Workspace& workspace,
              std::span<const std::span<float>> logits) {
  VALENCE_CHECK(logits.size() == branches.size() + 1);
  const Embeddings& embeddings = encoder.embeddings;
  const Activations x = room_for(backend, workspace.hidden, batch.tokens() * encoder.hidden);
  backend.begin(batch);
  backend.embed(*embeddings.words, *embeddings.positions, *embeddings.norm, x);
  for (size_t layer = 0; layer <= encoder.layers.size(); ++layer) {
    for (size_t k = 0; k < branches.size(); ++k) {
      if (branches[k]->first_layer == layer)
        run_branch(backend, encoder, *branches[k], batch, x, workspace, logits[k + 1]);
    }
    if (layer < encoder.layers.size())
      run_layer(backend, encoder, encoder.layers[layer], batch.tokens(), x, workspace);
  }
  read_out(backend, encoder, encoder.last, head, batch, x, workspace, logits.front());
}

void classify(Backend& backend, const Encoder& encoder, const ClassificationHead& head, const Batch& batch,
              Workspace& workspace, std::span<float> logits) {
  classify(backend, encoder, head, {}, batch, workspace, std::span(&logits, 1));
}

}  // namespace valence::nn
