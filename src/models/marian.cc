#include "models/marian.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "models/weights.h"

namespace valence::models {
namespace {

using backend::MatrixSource;
using backend::WeightType;

constexpr float kEpsilon = 1e-5f;  // of PyTorch's layer norm
// Rows of the output projection whose logits are looked at while they lie in cache.
constexpr int64_t kVocabularyPart = 2048;

// Sine in the first half of a row, cosine in the second (Vaswani et al. 2017, section 3.5, not interleaved).
std::vector<float> sinusoids(int64_t rows, int64_t columns) {
  std::vector<float> table(static_cast<size_t>(rows * columns));
  const int64_t half = (columns + 1) / 2;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t j = 0; j < columns; ++j) {
      const double angle = static_cast<double>(row) /
                           std::pow(10000, static_cast<double>(j - j % 2) / static_cast<double>(columns));
      const int64_t at = j % 2 == 0 ? j / 2 : half + j / 2;
      table[static_cast<size_t>(row * columns + at)] =
          static_cast<float>(j % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
  return table;
}

// Rows [first, first + count) of a matrix that is not in blocks.
MatrixSource rows_of(MatrixSource source, int64_t first, int64_t count) {
  const int64_t skipped = first * source.in_features;
  source.out_features = count;
  if (source.fp32 != nullptr) source.fp32 += skipped;
  if (source.bf16 != nullptr) source.bf16 += skipped;
  if (source.int8 != nullptr) source.int8 += skipped;
  if (source.row_scales != nullptr) source.row_scales += first;
  return source;
}

class MarianBuilder {
 public:
  MarianBuilder(const MarianConfig& config, const Weights& weights, WeightType type,
                backend::Backend& backend)
      : config_(config), weights_(weights), type_(type), backend_(backend) {}

  nn::TranslationModel build() {
    nn::TranslationModel model;
    model.hidden = config_.hidden;
    model.intermediate = config_.decoder_intermediate;
    model.heads = static_cast<int>(config_.decoder_heads);
    model.activation = config_.activation;
    model.embedding_scale = config_.embedding_scale;
    embeddings(model);
    model.encoder.hidden = config_.hidden;
    model.encoder.intermediate = config_.encoder_intermediate;
    model.encoder.heads = static_cast<int>(config_.encoder_heads);
    model.encoder.activation = config_.activation;
    for (int64_t k = 0; k < config_.encoder_layers; ++k)
      model.encoder.layers.push_back(encoder_layer("model.encoder.layers." + std::to_string(k) + "."));
    for (int64_t k = 0; k < config_.decoder_layers; ++k)
      model.layers.push_back(decoder_layer("model.decoder.layers." + std::to_string(k) + "."));
    return model;
  }

 private:
  std::unique_ptr<backend::Norm> norm(const std::string& module) {
    return backend_.make_norm(weights_.vector(module + ".weight", config_.hidden),
                              weights_.vector(module + ".bias", config_.hidden), kEpsilon);
  }

  std::unique_ptr<backend::Linear> linear(const std::string& module, int64_t out, int64_t in) {
    return backend_.make_linear(weights_.matrix(module, out, in).source, type_,
                                weights_.bias(module, out).data());
  }

  // Projections of the same input as one.
  std::unique_ptr<backend::Linear> joined(const std::string& attention,
                                          std::initializer_list<const char*> names) {
    std::vector<Matrix> parts;
    std::vector<float> bias;
    for (const char* name : names) {
      parts.push_back(weights_.matrix(attention + name, config_.hidden, config_.hidden));
      const std::vector<float> part = weights_.bias(attention + name, config_.hidden);
      bias.insert(bias.end(), part.begin(), part.end());
    }
    return backend_.make_linear(stacked(std::move(parts)).source, type_, bias.data());
  }

  nn::EncoderLayer encoder_layer(const std::string& at) {
    nn::EncoderLayer layer;
    layer.query_key_value.weight = joined(at + "self_attn.", {"q_proj", "k_proj", "v_proj"});
    layer.rest.attention_output.weight = linear(at + "self_attn.out_proj", config_.hidden, config_.hidden);
    layer.rest.attention_norm = norm(at + "self_attn_layer_norm");
    layer.rest.intermediate.weight = linear(at + "fc1", config_.encoder_intermediate, config_.hidden);
    layer.rest.output.weight = linear(at + "fc2", config_.hidden, config_.encoder_intermediate);
    layer.rest.output_norm = norm(at + "final_layer_norm");
    return layer;
  }

  nn::DecoderLayer decoder_layer(const std::string& at) {
    const int64_t hidden = config_.hidden;
    nn::DecoderLayer layer;
    layer.query_key_value = joined(at + "self_attn.", {"q_proj", "k_proj", "v_proj"});
    layer.attention_output = linear(at + "self_attn.out_proj", hidden, hidden);
    layer.attention_norm = norm(at + "self_attn_layer_norm");
    layer.source_query = linear(at + "encoder_attn.q_proj", hidden, hidden);
    layer.source_key_value = joined(at + "encoder_attn.", {"k_proj", "v_proj"});
    layer.source_output = linear(at + "encoder_attn.out_proj", hidden, hidden);
    layer.source_norm = norm(at + "encoder_attn_layer_norm");
    layer.intermediate = linear(at + "fc1", config_.decoder_intermediate, hidden);
    layer.output = linear(at + "fc2", hidden, config_.decoder_intermediate);
    layer.output_norm = norm(at + "final_layer_norm");
    return layer;
  }

  // The embedding of a side: its own, or the one that both share.
  std::string words_of(const std::string& side) const {
    const std::string own = "model." + side + ".embed_tokens";
    const bool shared = config_.shared_embeddings && weights_.has("model.shared.weight");
    return shared || !weights_.has(own + ".weight") ? "model.shared" : own;
  }

  void embeddings(nn::TranslationModel& model) {
    const std::string source = words_of("encoder"), target = words_of("decoder");
    Matrix words = weights_.matrix(target, config_.target_vocab, config_.hidden);
    model.target_words = table(words);
    model.source_words = source == target && config_.source_vocab == config_.target_vocab
                             ? model.target_words
                             : table(weights_.matrix(source, config_.source_vocab, config_.hidden));
    model.source_positions = positions("encoder");
    model.target_positions = positions("decoder");
    if (!config_.tied_output && weights_.has("lm_head.weight"))
      words = weights_.matrix("lm_head", config_.target_vocab, config_.hidden);
    output(std::move(words), model);
  }

  std::shared_ptr<backend::Table> table(const Matrix& words) {
    const bool in_file = words.fp32.empty() && words.bf16.empty() && words.int8.empty() && words.nf4.empty();
    if (in_file) return backend_.map_table(words.source);
    return backend_.make_table(words.source, words.source.type);
  }

  std::unique_ptr<backend::Table> positions(const std::string& side) {
    const std::string module = "model." + side + ".embed_positions";
    const std::vector<float> values =
        weights_.has(module + ".weight")
            ? restored(weights_.matrix(module, config_.positions, config_.hidden).source)
            : sinusoids(config_.positions, config_.hidden);
    return backend_.make_table(
        {.out_features = config_.positions, .in_features = config_.hidden, .fp32 = values.data()},
        WeightType::kFp32);
  }

  void output(Matrix words, nn::TranslationModel& model) {
    std::vector<float> bias(static_cast<size_t>(config_.target_vocab));
    if (weights_.has("final_logits_bias")) bias = weights_.row("final_logits_bias", config_.target_vocab);
    std::vector<float> values;
    MatrixSource source = words.source;
    if (source.type == WeightType::kNf4) {
      values = restored(source);
      source = {
          .out_features = source.out_features, .in_features = source.in_features, .fp32 = values.data()};
    }
    for (int64_t first = 0; first < config_.target_vocab; first += kVocabularyPart) {
      const int64_t count = std::min(kVocabularyPart, config_.target_vocab - first);
      model.vocabulary.push_back(
          backend_.make_linear(rows_of(source, first, count), type_, bias.data() + first));
    }
  }

  const MarianConfig& config_;
  const Weights& weights_;
  WeightType type_;
  backend::Backend& backend_;
};

formats::Checkpoint open_weights(const formats::ModelFiles& files) {
  try {
    return formats::Checkpoint::open(files);
  } catch (const Error& error) {
    // The rest of the model is there, so this is a damaged folder.
    if (error.code() == ErrorCode::kUnavailable) throw Error(ErrorCode::kBadData, error.what());
    throw;
  }
}

}  // namespace

MarianModel load_marian(const formats::ModelFiles& files, std::optional<WeightType> type,
                        backend::Backend& backend) {
  MarianModel model;
  model.config = read_marian_config(files);
  model.generation = read_generation_settings(files, model.config);
  model.checkpoint = open_weights(files);
  const Weights weights(model.checkpoint, nullptr);
  model.type = type ? *type : backend.kept_as(weights.stored_type("model.encoder.layers.0.fc1"));
  model.layers = MarianBuilder(model.config, weights, model.type, backend).build();
  model.checkpoint.release();
  return model;
}

}  // namespace valence::models
