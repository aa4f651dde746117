#include "nn/trainable.h"

#include <algorithm>

#include "base/error.h"

namespace valence::nn {
namespace {

using backend::Dropout;
using backend::Floats;
using backend::Product;

// Places of dropouts in a layer; those of the dense layers have their own numbers.
enum Site : uint64_t { kAttention = 1, kProjection, kFeedForward, kEmbeddings, kHeadInput, kHead };

// c [rows, ...] = a x b; both strides are those of the stored rows.
Product product_of(const float* a, int64_t a_stride, const backend::MatrixSource& b, int64_t rows, float* c,
                   int64_t c_stride) {
  Product product;
  product.a = a;
  product.a_stride = a_stride;
  product.b = b;
  product.rows = rows;
  product.c = c;
  product.c_stride = c_stride;
  return product;
}

backend::MatrixSource activations(const float* x, int64_t rows, int64_t columns) {
  return {.out_features = rows, .in_features = columns, .fp32 = x};
}

bool is_frozen(const TrainableLayer& layer) {
  const TrainableDense* dense[] = {&layer.query,        &layer.key,   &layer.value, &layer.attention_output,
                                   &layer.intermediate, &layer.output};
  return std::ranges::all_of(dense, [](const TrainableDense* d) { return d->is_frozen(); }) &&
         layer.attention_norm.is_frozen() && layer.output_norm.is_frozen();
}

}  // namespace

TrainingPass::TrainingPass(const TrainableModel& model, backend::TrainingBackend& backend,
                           const PassOptions& options)
    : model_(model), backend_(backend), options_(options) {
  embeddings_trained_ = (model.words != nullptr && model.words->trained) || model.positions->trained ||
                        !model.norm.is_frozen() || (model.types != nullptr && model.types->trained);
  while (!embeddings_trained_ && lowest_ < model.layers.size() && is_frozen(model.layers[lowest_])) ++lowest_;
  states_.resize(options.recompute ? 1 : model.layers.size());
  inputs_.resize(model.layers.size() + 1);
}

Dropout TrainingPass::dropout(float rate, uint64_t site) const {
  return key_ ? Dropout{rate, *key_ ^ (site * 0xD6E8FEB86659FD93ULL)} : Dropout{};
}

backend::AttentionShape TrainingPass::attention_shape(size_t layer) const {
  return {batch_.cumulative_lengths, model_.heads, model_.head_dim(), is_last(layer),
          dropout(model_.attention_dropout, model_.layers[layer].site + kAttention)};
}

const float* TrainingPass::query_input(size_t layer) {
  const float* x = input_of(layer).data();
  if (!is_last(layer)) return x;
  float* first = first_.room(backend_, batch_.sequences() * model_.hidden);
  backend_.first_tokens(x, model_.hidden, first);
  return first;
}

// ---- Dense layers and norms

const float* TrainingPass::update_input(const TrainableDense& dense, const float* x, int64_t rows) {
  if (!key_ || dense.dropout == 0) return x;
  float* dropped = update_input_.room(backend_, rows * dense.in_features());
  backend_.drop(dropout(dense.dropout, dense.site), x, rows * dense.in_features(), dropped);
  return dropped;
}

void TrainingPass::dense_forward(const TrainableDense& dense, const float* x, int64_t rows, float* y,
                                 int64_t y_stride, Floats& low) {
  Product product = product_of(x, dense.in_features(), dense.matrix(), rows, y, y_stride);
  product.b_transposed = true;
  product.bias = dense.bias->value.data();
  product.bf16 = dense.bf16;
  backend_.multiply(product);
  if (dense.down == nullptr) return;
  const int64_t rank = dense.down->rows;
  Product down = product_of(update_input(dense, x, rows), dense.in_features(), dense.down->source(), rows,
                            low.room(backend_, rows * rank), rank);
  down.b_transposed = true;
  backend_.multiply(down);
  backend_.scale(dense.scale, rows * rank, low.data());
  Product up = product_of(low.data(), rank, dense.up->source(), rows, y, y_stride);
  up.b_transposed = true;
  up.accumulate = true;
  backend_.multiply(up);
}

void TrainingPass::dense_backward(const TrainableDense& dense, const float* x, int64_t rows, const float* d_y,
                                  int64_t d_y_stride, const Floats& low, bool accumulate, float* d_x) {
  const int64_t out = dense.out_features(), in = dense.in_features();
  // gradient [out or rank, ...] += d [rows, ...] transposed x right [rows, columns].
  const auto add_gradient = [&](const float* d, int64_t stride, const float* right, int64_t columns,
                                Parameter& parameter) {
    Product product = product_of(d, stride, activations(right, rows, columns), parameter.rows,
                                 parameter.gradient.data(), columns);
    product.a_transposed = true;
    product.accumulate = true;
    product.bf16 = dense.bf16 && &parameter == dense.weight;
    backend_.multiply(product);
  };
  if (dense.weight != nullptr && dense.weight->trained) add_gradient(d_y, d_y_stride, x, in, *dense.weight);
  if (dense.bias->trained) backend_.add_column_sums(d_y, d_y_stride, rows, out, dense.bias->gradient.data());
  if (d_x != nullptr) {
    Product product = product_of(d_y, d_y_stride, dense.matrix(), rows, d_x, in);
    product.accumulate = accumulate;
    product.bf16 = dense.bf16;
    backend_.multiply(product);
  }
  if (dense.down == nullptr) return;
  const int64_t rank = dense.down->rows;
  add_gradient(d_y, d_y_stride, low.data(), rank, *dense.up);
  backend_.multiply(
      product_of(d_y, d_y_stride, dense.up->source(), rows, d_low_.room(backend_, rows * rank), rank));
  backend_.scale(dense.scale, rows * rank, d_low_.data());
  add_gradient(d_low_.data(), rank, update_input(dense, x, rows), in, *dense.down);
  if (d_x == nullptr) return;
  const bool drops = key_ && dense.dropout > 0;
  Product product = product_of(d_low_.data(), rank, dense.down->source(), rows,
                               drops ? d_update_.room(backend_, rows * in) : d_x, in);
  product.accumulate = !drops;
  backend_.multiply(product);
  if (!drops) return;
  backend_.drop(dropout(dense.dropout, dense.site), d_update_.data(), rows * in, d_update_.data());
  backend_.add(d_update_.data(), rows * in, d_x);
}

void TrainingPass::add_and_normalize(const TrainableNorm& norm, const Dropout& dropout, float* y,
                                     const float* residual, int64_t rows, NormState& state, float* out) {
  const int64_t count = rows * model_.hidden;
  if (dropout.rate > 0) backend_.drop(dropout, y, count, y);
  if (residual != nullptr) backend_.add(residual, count, y);
  backend_.layer_norm_forward(y, rows, model_.hidden, norm.gamma->value.data(), norm.beta->value.data(),
                              norm.epsilon, state.normal.room(backend_, count),
                              state.scale.room(backend_, rows), out);
}

void TrainingPass::norm_backward(const TrainableNorm& norm, const NormState& state, int64_t rows,
                                 const float* d_y, float* d_x) {
  const auto gradient = [](Parameter* p) { return p->trained ? p->gradient.data() : nullptr; };
  backend_.layer_norm_backward(d_y, state.normal.data(), state.scale.data(), rows, model_.hidden,
                               norm.gamma->value.data(), d_x, gradient(norm.gamma), gradient(norm.beta));
}

const float* TrainingPass::restored(const TrainableNorm& norm, const NormState& state, int64_t rows) {
  float* y = normal_.room(backend_, rows * model_.hidden);
  backend_.scale_and_shift(state.normal.data(), rows, model_.hidden, norm.gamma->value.data(),
                           norm.beta->value.data(), y);
  return y;
}

// ---- Embeddings

void TrainingPass::embed(float* x) {
  const int64_t hidden = model_.hidden;
  backend_.embed(
      {model_.words == nullptr ? model_.frozen_words : nullptr,
       model_.words == nullptr ? nullptr : model_.words->value.data(), model_.positions->value.data(),
       model_.types == nullptr ? nullptr : model_.types->value.data(), hidden},
      x);
  add_and_normalize(model_.norm, {}, x, nullptr, batch_.tokens(), embedding_norm_, x);
  const Dropout drop = dropout(model_.hidden_dropout, kEmbeddings);
  if (drop.rate > 0) backend_.drop(drop, x, batch_.tokens() * hidden, x);
}

void TrainingPass::embed_backward(float* d_x) {
  const int64_t hidden = model_.hidden, tokens = batch_.tokens();
  const Dropout drop = dropout(model_.hidden_dropout, kEmbeddings);
  if (drop.rate > 0) backend_.drop(drop, d_x, tokens * hidden, d_x);
  norm_backward(model_.norm, embedding_norm_, tokens, d_x, d_x);
  if (model_.words != nullptr && model_.words->trained) {
    const std::vector<int32_t> slots = model_.words->slots_of(backend_, batch_.ids);
    backend_.add_to_rows(d_x, slots, hidden, model_.words->gradient.data());
  }
  if (model_.positions->trained)
    backend_.add_to_rows(d_x, batch_.positions, hidden, model_.positions->gradient.data());
  if (model_.types != nullptr && model_.types->trained)
    backend_.add_column_sums(d_x, hidden, tokens, hidden, model_.types->gradient.data());
}

// ---- A layer

void TrainingPass::layer_forward(size_t index, LayerState& state, float* output) {
  const TrainableLayer& layer = model_.layers[index];
  const int64_t hidden = model_.hidden, tokens = batch_.tokens(), rows = queries_of(index);
  const float *x = input_of(index).data(), *first = query_input(index);
  dense_forward(layer.query, first, rows, state.query.room(backend_, rows * hidden), hidden, state.low[0]);
  float* key_value = state.key_value.room(backend_, tokens * 2 * hidden);
  dense_forward(layer.key, x, tokens, key_value, 2 * hidden, state.low[1]);
  dense_forward(layer.value, x, tokens, key_value + hidden, 2 * hidden, state.low[2]);
  float* attended = state.attended.room(backend_, rows * hidden);
  backend::AttentionShape shape = attention_shape(index);
  if (options_.standard_attention) {
    shape.probabilities = state.probabilities.room(backend_, shape.probability_count());
  }
  backend_.attention_forward(shape, state.query.data(), key_value, attended,
                             state.log_sums.room(backend_, model_.heads * rows));

  float* sum = sum_.room(backend_, rows * hidden);
  dense_forward(layer.attention_output, attended, rows, sum, hidden, state.low[3]);
  float* middle = normal_.room(backend_, rows * hidden);
  add_and_normalize(layer.attention_norm, dropout(model_.projection_dropout, layer.site + kProjection), sum,
                    first, rows, state.attention_norm, middle);

  float* wide = state.wide.room(backend_, rows * model_.intermediate);
  dense_forward(layer.intermediate, middle, rows, wide, model_.intermediate, state.low[4]);
  float* activated = activated_.room(backend_, rows * model_.intermediate);
  backend_.activate(model_.activation, wide, rows * model_.intermediate, activated);
  dense_forward(layer.output, activated, rows, sum, hidden, state.low[5]);
  add_and_normalize(layer.output_norm, dropout(model_.hidden_dropout, layer.site + kFeedForward), sum, middle,
                    rows, state.output_norm, output);
}

void TrainingPass::layer_backward(size_t index, LayerState& state, float* d_output, float* d_input) {
  const TrainableLayer& layer = model_.layers[index];
  const int64_t hidden = model_.hidden, wide = model_.intermediate;
  const int64_t tokens = batch_.tokens(), rows = queries_of(index);
  const auto dropped = [&](float rate, uint64_t site, float* d) {
    const Dropout drop = dropout(rate, site);
    if (drop.rate == 0) return d;
    float* out = d_dropped_.room(backend_, rows * hidden);
    backend_.drop(drop, d, rows * hidden, out);
    return out;
  };

  float* d_sum = d_output;  // of the sum before the norm, and so of the residual
  norm_backward(layer.output_norm, state.output_norm, rows, d_output, d_sum);
  if (layer.output.input_is_read()) {
    backend_.activate(model_.activation, state.wide.data(), rows * wide,
                      activated_.room(backend_, rows * wide));
  }
  float* d_wide = d_wide_.room(backend_, rows * wide);
  dense_backward(layer.output, activated_.data(), rows,
                 dropped(model_.hidden_dropout, layer.site + kFeedForward, d_sum), hidden, state.low[5],
                 false, d_wide);
  backend_.activate_backward(model_.activation, state.wide.data(), rows * wide, d_wide);
  const float* middle = layer.intermediate.input_is_read()
                            ? restored(layer.attention_norm, state.attention_norm, rows)
                            : nullptr;
  dense_backward(layer.intermediate, middle, rows, d_wide, wide, state.low[4], true, d_sum);

  norm_backward(layer.attention_norm, state.attention_norm, rows, d_sum, d_sum);
  float* d_attended = d_attended_.room(backend_, rows * hidden);
  dense_backward(layer.attention_output, state.attended.data(), rows,
                 dropped(model_.projection_dropout, layer.site + kProjection, d_sum), hidden, state.low[3],
                 false, d_attended);

  float* d_query = d_query_.room(backend_, rows * hidden);
  float* d_key_value = d_key_value_.room(backend_, tokens * 2 * hidden);
  backend::AttentionShape shape = attention_shape(index);
  if (options_.standard_attention) shape.probabilities = state.probabilities.data();
  backend_.attention_backward(shape, state.query.data(), state.key_value.data(), state.attended.data(),
                              state.log_sums.data(), d_attended, d_query, d_key_value);
  dense_backward(layer.query, query_input(index), rows, d_query, hidden, state.low[0], true,
                 d_input != nullptr ? d_sum : nullptr);
  const float* x = input_of(index).data();
  dense_backward(layer.key, x, tokens, d_key_value, 2 * hidden, state.low[1], false, d_input);
  dense_backward(layer.value, x, tokens, d_key_value + hidden, 2 * hidden, state.low[2], true, d_input);
  if (d_input == nullptr) return;
  if (is_last(index)) {
    backend_.add_first_tokens(d_sum, hidden, d_input);
  } else {
    backend_.add(d_sum, rows * hidden, d_input);
  }
}

// ---- The head

void TrainingPass::head_forward(const float* first) {
  const int64_t rows = batch_.sequences(), hidden = model_.hidden, labels = model_.head_output.out_features();
  const float* x = first;
  const Dropout before = dropout(model_.head_drops_first ? model_.head_dropout : 0, kHeadInput);
  if (before.rate > 0) {
    backend_.drop(before, first, rows * hidden, head_input_.room(backend_, rows * hidden));
    x = head_input_.data();
  }
  float* wide = head_wide_.room(backend_, rows * hidden);
  dense_forward(model_.head, x, rows, wide, hidden, head_low_[0]);
  float* pooled = pooled_.room(backend_, rows * hidden);
  backend_.activate(model_.head_activation, wide, rows * hidden, pooled);
  backend_.drop(dropout(model_.head_dropout, kHead), pooled, rows * hidden, pooled);
  dense_forward(model_.head_output, pooled, rows, logits_.room(backend_, rows * labels), labels,
                head_low_[1]);
}

void TrainingPass::head_backward(const float* d_logits, const float* first, float* d_first) {
  const int64_t rows = batch_.sequences(), hidden = model_.hidden, labels = model_.head_output.out_features();
  float* d_pooled = d_wide_.room(backend_, rows * hidden);
  dense_backward(model_.head_output, pooled_.data(), rows, d_logits, labels, head_low_[1], false, d_pooled);
  backend_.drop(dropout(model_.head_dropout, kHead), d_pooled, rows * hidden, d_pooled);
  backend_.activate_backward(model_.head_activation, head_wide_.data(), rows * hidden, d_pooled);
  const Dropout before = dropout(model_.head_drops_first ? model_.head_dropout : 0, kHeadInput);
  dense_backward(model_.head, before.rate > 0 ? head_input_.data() : first, rows, d_pooled, hidden,
                 head_low_[0], false, d_first);
  if (d_first != nullptr && before.rate > 0) backend_.drop(before, d_first, rows * hidden, d_first);
}

// ---- All of it

std::span<const float> TrainingPass::forward(const Batch& batch, std::optional<uint64_t> dropout_key) {
  inferring_ = false;
  key_ = dropout_key;
  return logits_of(batch);
}

std::span<const float> TrainingPass::infer(const Batch& batch) {
  inferring_ = true;
  key_.reset();
  return logits_of(batch);
}

std::span<const float> TrainingPass::logits_of(const Batch& batch) {
  batch_ = batch;
  backend_.begin(batch);
  const size_t layers = model_.layers.size();
  embed(input_of(0).room(backend_, batch.tokens() * model_.hidden));
  for (size_t k = 0; k < layers; ++k) {
    layer_forward(k, state_of(k), input_of(k + 1).room(backend_, queries_of(k) * model_.hidden));
  }
  head_forward(input_of(layers).data());
  return logits_.on_host(host_logits_);
}

void TrainingPass::backward(std::span<const float> d_logits) {
  const size_t layers = model_.layers.size();
  float* d = d_layer_.room(backend_, batch_.tokens() * model_.hidden);
  float* below = d_below_.room(backend_, batch_.tokens() * model_.hidden);
  d_logits_.set(backend_, d_logits);
  head_backward(d_logits_.data(), input_of(layers).data(), lowest_ < layers ? d : nullptr);
  for (size_t k = layers; k-- > lowest_;) {
    // The last layer's state is still there.
    if (options_.recompute && k + 1 < layers) {
      layer_forward(k, state_of(k), sum_.room(backend_, queries_of(k) * model_.hidden));
    }
    const bool more = k > lowest_ || embeddings_trained_;
    layer_backward(k, state_of(k), d, more ? below : nullptr);
    std::swap(d, below);
  }
  if (embeddings_trained_) embed_backward(d);
}

}  // namespace valence::nn
