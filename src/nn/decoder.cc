#include "nn/decoder.h"

#include <algorithm>

namespace valence::nn {

using backend::Activations;

Decoder::Decoder(const TranslationModel& model, backend::DecodingBackend& backend)
    : model_(model),
      decoding_(backend),
      backend_(backend.layers()),
      memory_(backend.make_memory(static_cast<int>(model.layers.size()), model.hidden)) {}

Activations Decoder::room(std::unique_ptr<backend::Buffer>& buffer, int64_t count) {
  if (!buffer || buffer->capacity() < count) {
    buffer.reset();
    buffer = backend_.make_buffer(count);
  }
  return buffer->activations();
}

std::vector<Source> Decoder::read(std::span<const int32_t> ids, std::span<const int32_t> cumulative_lengths) {
  const auto tokens = static_cast<int64_t>(ids.size()), hidden = model_.hidden;
  positions_.resize(ids.size());
  for (size_t s = 0; s + 1 < cumulative_lengths.size(); ++s) {
    for (int32_t k = cumulative_lengths[s]; k < cumulative_lengths[s + 1]; ++k)
      positions_[static_cast<size_t>(k)] = k - cumulative_lengths[s];
  }
  const Activations x = room(workspace_.hidden, tokens * hidden);
  decoding_.embed(*model_.source_words, *model_.source_positions, model_.embedding_scale, ids, positions_, x);
  backend_.begin({ids, positions_, cumulative_lengths});
  for (const EncoderLayer& layer : model_.encoder.layers)
    nn::run_layer(backend_, model_.encoder, layer, tokens, x, workspace_);

  std::vector<Source> sources(cumulative_lengths.size() - 1);
  for (const DecoderLayer& layer : model_.layers) {
    const Activations kept = room(workspace_.wide, tokens * 2 * hidden);
    backend_.linear(*layer.source_key_value, x, tokens, {}, kept);
    for (size_t s = 0; s < sources.size(); ++s) {
      const int64_t first = cumulative_lengths[s], count = cumulative_lengths[s + 1] - first;
      sources[s].push_back(decoding_.keep_source(kept, first, count, model_.heads, model_.head_dim()));
    }
  }
  return sources;
}

// A slot for each row. When none are free, those are that no row's history holds.
void Decoder::append_slots(std::span<const StepRow> rows) {
  if (free_.size() < rows.size()) {
    std::vector<bool> used(static_cast<size_t>(slot_count_));
    size_t live = 0;
    for (const StepRow& row : rows) {
      for (const int32_t slot : *row.slots) {
        live += !used[static_cast<size_t>(slot)];
        used[static_cast<size_t>(slot)] = true;
      }
    }
    // Twice of what lives, so that this is seldom.
    const size_t wanted = std::max(2 * live + rows.size(), used.size());
    memory_->reserve(static_cast<int64_t>(wanted));
    used.resize(wanted);
    slot_count_ = static_cast<int32_t>(wanted);
    free_.clear();
    for (int32_t slot = slot_count_ - 1; slot >= 0; --slot) {
      if (!used[static_cast<size_t>(slot)]) free_.push_back(slot);
    }
  }
  for (const StepRow& row : rows) {
    row.slots->push_back(free_.back());
    free_.pop_back();
  }
}

void Decoder::run_layer(int index, std::span<const StepRow> rows, Activations x) {
  const DecoderLayer& layer = model_.layers[static_cast<size_t>(index)];
  const auto count = static_cast<int64_t>(rows.size()), hidden = model_.hidden;
  const Activations wide = room(workspace_.wide, count * std::max(3 * hidden, model_.intermediate));
  const Activations attended = room(workspace_.attended, count * hidden);
  const Activations sum = room(workspace_.next, count * hidden);

  backend_.linear(*layer.query_key_value, x, count, {}, wide);
  decoding_.attend_history(*memory_, index, histories_, wide, model_.heads, model_.head_dim(), attended);
  backend_.linear(*layer.attention_output, attended, count, {.residual = x}, sum);
  backend_.normalize(*layer.attention_norm, count, sum);

  for (size_t k = 0; k < source_rows_.size(); ++k) {
    const StepRow& first = rows[static_cast<size_t>(source_rows_[k].first)];
    source_rows_[k].keys = (*first.source)[static_cast<size_t>(index)].get();
  }
  backend_.linear(*layer.source_query, sum, count, {}, wide);
  decoding_.attend_source(source_rows_, wide, model_.heads, model_.head_dim(), attended);
  backend_.linear(*layer.source_output, attended, count, {.residual = sum}, x);
  backend_.normalize(*layer.source_norm, count, x);

  backend_.linear(*layer.intermediate, x, count, {.activation = model_.activation}, wide);
  backend_.linear(*layer.output, wide, count, {.residual = x}, sum);
  backend_.normalize(*layer.output_norm, count, sum);
  backend_.copy(sum, count * hidden, x);
}

void Decoder::step(std::span<const StepRow> rows, std::span<backend::TokenScores> scores) {
  append_slots(rows);
  tokens_.clear();
  positions_.clear();
  histories_.clear();
  source_rows_.clear();
  for (size_t r = 0; r < rows.size(); ++r) {
    tokens_.push_back(rows[r].token);
    positions_.push_back(static_cast<int32_t>(rows[r].slots->size()) - 1);
    histories_.push_back(rows[r].slots);
    if (r == 0 || rows[r].source != rows[r - 1].source)
      source_rows_.push_back({nullptr, static_cast<int64_t>(r), 0});
    ++source_rows_.back().count;
  }
  const auto count = static_cast<int64_t>(rows.size());
  const Activations x = room(workspace_.hidden, count * model_.hidden);
  decoding_.embed(*model_.target_words, *model_.target_positions, model_.embedding_scale, tokens_, positions_,
                  x);
  for (int index = 0; index < static_cast<int>(model_.layers.size()); ++index) run_layer(index, rows, x);

  int32_t first = 0;
  for (const auto& part : model_.vocabulary) {
    const Activations logits = room(workspace_.wide, count * part->out_features());
    backend_.linear(*part, x, count, {}, logits);
    decoding_.take_logits(logits, part->out_features(), first, scores);
    first += static_cast<int32_t>(part->out_features());
  }
}

}  // namespace valence::nn
