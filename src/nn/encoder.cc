#include "nn/encoder.h"

#include <algorithm>

#include "base/error.h"

namespace valence::nn {
namespace {

using backend::Backend;
using backend::Epilogue;

float* room_for(std::vector<float>& memory, int64_t count) {
  if (memory.size() < static_cast<size_t>(count)) memory.resize(static_cast<size_t>(count));
  return memory.data();
}

// y [rows, out] = activation(W x + b + up (down x)) + residual.
void apply(Backend& backend, const Dense& dense, const float* x, int64_t rows, Epilogue epilogue, float* y,
           Workspace& workspace) {
  if (dense.down) {
    const int64_t rank = dense.down->out_features();
    float* low = room_for(workspace.low_rank, rows * (rank + dense.up->out_features()));
    float* update = low + rows * rank;
    backend.linear(*dense.down, x, rows, {}, low);
    backend.linear(*dense.up, low, rows, {}, update);
    epilogue.addend = update;
  }
  backend.linear(*dense.weight, x, rows, epilogue, y);
}

void normalize(Backend& backend, const LayerNorm& norm, float* x, int64_t rows) {
  backend.layer_norm(x, rows, static_cast<int64_t>(norm.gamma.size()), norm.gamma.data(), norm.beta.data(),
                     norm.epsilon);
}

// The second half of a layer: attended [rows, hidden] is projected and added to x, then the feed-forward
// network; x [rows, hidden] is replaced by the layer's output.
void feed_forward(Backend& backend, const Encoder& encoder, const FeedForward& layer, const float* attended,
                  int64_t rows, float* x, Workspace& workspace) {
  float* sum = room_for(workspace.next, rows * encoder.hidden);
  apply(backend, layer.attention_output, attended, rows, {.residual = x}, sum, workspace);
  normalize(backend, layer.attention_norm, sum, rows);
  float* wide = room_for(workspace.wide, rows * encoder.intermediate);
  apply(backend, layer.intermediate, sum, rows, {.activation = encoder.activation}, wide, workspace);
  apply(backend, layer.output, wide, rows, {.residual = sum}, x, workspace);
  normalize(backend, layer.output_norm, x, rows);
}

void embed(Backend& backend, const Embeddings& embeddings, const Batch& batch, float* x) {
  backend.gather(*embeddings.words, batch.ids, false, x);
  backend.gather(*embeddings.positions, batch.positions, true, x);
  normalize(backend, embeddings.norm, x, batch.tokens());
}

// Leaves the first token of each sequence in the last hidden states: [sequences, hidden].
const float* encode(Backend& backend, const Encoder& encoder, const Batch& batch, Workspace& workspace) {
  const int64_t tokens = batch.tokens(), hidden = encoder.hidden, sequences = batch.sequences();
  float* x = room_for(workspace.hidden, tokens * hidden);
  embed(backend, encoder.embeddings, batch, x);
  for (const EncoderLayer& layer : encoder.layers) {
    float* qkv = room_for(workspace.wide, tokens * 3 * hidden);
    float* attended = room_for(workspace.attended, tokens * hidden);
    apply(backend, layer.query_key_value, x, tokens, {}, qkv, workspace);
    backend.attention(qkv, batch.cumulative_lengths, encoder.heads, encoder.head_dim(), attended);
    feed_forward(backend, encoder, layer.rest, attended, tokens, x, workspace);
  }
  float* first = room_for(workspace.first, sequences * hidden);
  for (int64_t s = 0; s < sequences; ++s) {
    std::copy_n(x + batch.cumulative_lengths[s] * hidden, hidden, first + s * hidden);
  }
  float* query = room_for(workspace.wide, sequences * hidden);
  float* attended = room_for(workspace.attended, sequences * hidden);
  apply(backend, encoder.last.query, first, sequences, {}, query, workspace);
  backend.attention_first_token(*encoder.last.key_value, query, x, batch.cumulative_lengths, encoder.heads,
                                encoder.head_dim(), attended);
  feed_forward(backend, encoder, encoder.last.rest, attended, sequences, first, workspace);
  return first;
}

}  // namespace

void classify(Backend& backend, const Encoder& encoder, const ClassificationHead& head, const Batch& batch,
              Workspace& workspace, std::span<float> logits) {
  const int64_t sequences = batch.sequences();
  VALENCE_CHECK(static_cast<int64_t>(logits.size()) == sequences * head.output.weight->out_features());
  const float* first = encode(backend, encoder, batch, workspace);
  float* pooled = room_for(workspace.next, sequences * encoder.hidden);
  apply(backend, head.dense, first, sequences, {.activation = head.activation}, pooled, workspace);
  apply(backend, head.output, pooled, sequences, {}, logits.data(), workspace);
}

}  // namespace valence::nn
