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

// Leaves the first token of each sequence in the last hidden states: [sequences, hidden].
ConstActivations encode(Backend& backend, const Encoder& encoder, const Batch& batch, Workspace& workspace) {
  const int64_t tokens = batch.tokens(), hidden = encoder.hidden, sequences = batch.sequences();
  const Embeddings& embeddings = encoder.embeddings;
  const Activations x = room_for(backend, workspace.hidden, tokens * hidden);
  backend.embed(*embeddings.words, *embeddings.positions, *embeddings.norm, x);
  for (const EncoderLayer& layer : encoder.layers) {
    // One buffer for the two widest, so that it does not grow in the middle of a layer.
    const Activations qkv =
        room_for(backend, workspace.wide, tokens * std::max(3 * hidden, encoder.intermediate));
    const Activations attended = room_for(backend, workspace.attended, tokens * hidden);
    apply(backend, layer.query_key_value, x, tokens, {}, qkv, workspace);
    backend.attention(qkv, encoder.heads, encoder.head_dim(), attended);
    feed_forward(backend, encoder, layer.rest, attended, tokens, x, workspace);
  }
  const Activations first = room_for(backend, workspace.first, sequences * hidden);
  backend.first_tokens(x, hidden, first);
  const Activations query = room_for(backend, workspace.wide, sequences * hidden);
  const Activations attended = room_for(backend, workspace.attended, sequences * hidden);
  apply(backend, encoder.last.query, first, sequences, {}, query, workspace);
  backend.attention_first_token(*encoder.last.key_value, query, x, encoder.heads, encoder.head_dim(),
                                attended);
  feed_forward(backend, encoder, encoder.last.rest, attended, sequences, first, workspace);
  return first;
}

}  // namespace

void classify(Backend& backend, const Encoder& encoder, const ClassificationHead& head, const Batch& batch,
              Workspace& workspace, std::span<float> logits) {
  const int64_t sequences = batch.sequences();
  VALENCE_CHECK(static_cast<int64_t>(logits.size()) == sequences * head.output->out_features());
  backend.begin(batch);
  const ConstActivations first = encode(backend, encoder, batch, workspace);
  const Activations pooled = room_for(backend, workspace.next, sequences * encoder.hidden);
  apply(backend, head.dense, first, sequences, {.activation = head.activation}, pooled, workspace);
  backend.logits(*head.output, pooled, sequences, logits);
}

}  // namespace valence::nn
