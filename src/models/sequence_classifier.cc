#include "models/sequence_classifier.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/error.h"
#include "models/adapter.h"
#include "models/names.h"
#include "models/weights.h"

namespace valence::models {
namespace {

using backend::WeightType;

// Lays the weights out for one backend, part by part, and counts their bytes.
class Builder {
 public:
  Builder(const ModelConfig& config, const Weights& weights, WeightType type,
          const formats::Checkpoint& checkpoint, backend::Backend& backend)
      : config_(config), weights_(weights), type_(type), checkpoint_(checkpoint), backend_(backend) {}

  nn::Encoder encoder() {
    nn::Encoder encoder;
    encoder.hidden = config_.hidden;
    encoder.intermediate = config_.intermediate;
    encoder.heads = static_cast<int>(config_.heads);
    encoder.activation = config_.activation;
    encoder.embeddings = embeddings();
    for (int64_t k = 0; k + 1 < config_.layers; ++k) {
      encoder.layers.push_back(layer(layer_names(config_.family, k)));
      checkpoint_.release();
    }
    encoder.last = last_layer(layer_names(config_.family, config_.layers - 1));
    checkpoint_.release();
    return encoder;
  }

  // Its head, and all layers from the first one that the adapter changes.
  nn::Branch branch(int64_t first_layer) {
    nn::Branch branch;
    branch.first_layer = static_cast<size_t>(first_layer);
    for (int64_t k = first_layer; k + 1 < config_.layers; ++k)
      branch.layers.push_back(layer(layer_names(config_.family, k)));
    branch.last = last_layer(layer_names(config_.family, config_.layers - 1));
    branch.head = head();
    return branch;
  }

  nn::ClassificationHead head() {
    const HeadNames names = head_names(config_.family);
    nn::ClassificationHead head;
    head.activation =
        config_.family == Family::kDistilBert ? backend::Activation::kRelu : backend::Activation::kTanh;
    head.dense = head_dense(names.dense, config_.hidden);
    head.output = head_dense(names.output, static_cast<int64_t>(config_.labels.size())).weight;
    return head;
  }

  size_t bytes() const { return bytes_; }

 private:
  std::unique_ptr<backend::Norm> norm(const std::string& module) {
    return backend_.make_norm(weights_.vector(module + ".weight", config_.hidden),
                              weights_.vector(module + ".bias", config_.hidden), config_.epsilon);
  }

  nn::Embeddings embeddings() {
    const EmbeddingNames names = embedding_names(config_.family);
    nn::Embeddings embeddings;
    const Matrix words = weights_.matrix(names.words, config_.vocab_size, config_.hidden);
    embeddings.words = word_table(words);
    std::vector<float> positions =
        restored(weights_.matrix(names.positions, config_.position_rows, config_.hidden).source);
    if (!names.types.empty()) {
      const std::vector<float> types =
          restored(weights_.matrix(names.types, config_.type_rows, config_.hidden).source);
      add_types(types, positions);
    }
    embeddings.positions =
        backend_.make_table({.out_features = static_cast<int64_t>(positions.size()) / config_.hidden,
                             .in_features = config_.hidden,
                             .fp32 = positions.data()},
                            WeightType::kFp32);
    bytes_ += embeddings.words->bytes() + embeddings.positions->bytes();
    embeddings.norm = norm(names.norm);
    return embeddings;
  }

  // A row for each position and each of the first two types.
  void add_types(std::span<const float> types, std::vector<float>& positions) const {
    const size_t count = positions.size(), hidden = static_cast<size_t>(config_.hidden);
    if (config_.type_rows >= 2) {
      positions.resize(2 * count);
      std::copy_n(positions.begin(), count, positions.begin() + static_cast<ptrdiff_t>(count));
    }
    for (size_t k = 0; k < positions.size(); ++k) positions[k] += types[k / count * hidden + k % hidden];
  }

  // Read in place where the file holds it in a type that will do, 4 bits among them; else int8 beside int8
  // weights and bf16 beside 4-bit ones, as coarser words would cost more of the answer than the 4 bits
  // themselves.
  std::unique_ptr<backend::Table> word_table(const Matrix& words) {
    const bool in_file = words.fp32.empty() && words.bf16.empty() && words.int8.empty() && words.nf4.empty();
    const WeightType stored = words.source.type;
    const WeightType type = stored == WeightType::kNf4                                  ? stored
                            : type_ == WeightType::kInt8 || stored == WeightType::kInt8 ? WeightType::kInt8
                            : type_ == WeightType::kNf4                                 ? WeightType::kBf16
                                                                                        : stored;
    return in_file && type == stored ? backend_.map_table(words.source)
                                     : backend_.make_table(words.source, type);
  }

  nn::Dense dense(Matrix matrix, const std::vector<float>& bias, WeightType type) {
    nn::Dense dense;
    if (type != WeightType::kNf4) merge_update(matrix);
    dense.weight = backend_.make_linear(matrix.source, type, bias.data());
    bytes_ += dense.weight->bytes();
    if (!matrix.update) return dense;
    const LowRank& update = *matrix.update;
    dense.down = backend_.make_linear(
        {.out_features = update.rank, .in_features = matrix.source.in_features, .fp32 = update.down.data()},
        WeightType::kFp32, nullptr);
    dense.up = backend_.make_linear(
        {.out_features = matrix.source.out_features, .in_features = update.rank, .fp32 = update.up.data()},
        WeightType::kFp32, nullptr);
    bytes_ += dense.down->bytes() + dense.up->bytes();
    return dense;
  }

  nn::Dense encoder_dense(const std::string& module, int64_t out, int64_t in) {
    return dense(weights_.matrix(module, out, in), weights_.bias(module, out), type_);
  }

  nn::Dense head_dense(const std::string& module, int64_t out) {
    return dense(weights_.matrix(module, out, config_.hidden), weights_.bias(module, out), WeightType::kFp32);
  }

  nn::FeedForward feed_forward(const LayerNames& names) {
    return {norm(names.attention_norm), encoder_dense(names.attention_output, config_.hidden, config_.hidden),
            encoder_dense(names.intermediate, config_.intermediate, config_.hidden),
            encoder_dense(names.output, config_.hidden, config_.intermediate), norm(names.output_norm)};
  }

  nn::EncoderLayer layer(const LayerNames& names) {
    const int64_t hidden = config_.hidden;
    std::vector<Matrix> parts;
    std::vector<float> bias;
    for (const std::string* module : {&names.query, &names.key, &names.value}) {
      parts.push_back(weights_.matrix(*module, hidden, hidden));
      if (type_ != WeightType::kNf4) merge_update(parts.back());
      const std::vector<float> part = weights_.bias(*module, hidden);
      bias.insert(bias.end(), part.begin(), part.end());
    }
    nn::EncoderLayer layer;
    layer.query_key_value = dense(stacked(std::move(parts)), bias, type_);
    layer.rest = feed_forward(names);
    return layer;
  }

  nn::LastLayer last_layer(const LayerNames& names) {
    const int64_t hidden = config_.hidden;
    nn::LastLayer layer;
    layer.query = encoder_dense(names.query, hidden, hidden);
    Matrix key = weights_.matrix(names.key, hidden, hidden),
           value = weights_.matrix(names.value, hidden, hidden);
    WeightType type = type_;
    if (type_ == WeightType::kNf4 && (key.update || value.update)) {
      // An adapter belongs on top of the 4 bits, and these two products keep nothing apart: the sum in bf16.
      for (Matrix* matrix : {&key, &value}) round_to_nf4(*matrix);
      type = WeightType::kBf16;
    }
    merge_update(key);
    merge_update(value);
    layer.key_value =
        backend_.make_first_token(key.source, weights_.bias(names.key, hidden).data(), value.source,
                                  weights_.bias(names.value, hidden).data(), type);
    bytes_ += layer.key_value->bytes();
    layer.rest = feed_forward(names);
    return layer;
  }

  const ModelConfig& config_;
  const Weights& weights_;
  const WeightType type_;
  const formats::Checkpoint& checkpoint_;
  backend::Backend& backend_;
  size_t bytes_ = 0;
};

// An adapter may bring a head for other classes than its base: then its own config.json names them, or
// nothing does.
void take_labels_of_adapter(const formats::ModelFiles& files, const Weights& weights, ModelConfig& config) {
  const auto rows = static_cast<size_t>(weights.rows(head_names(config.family).output));
  if (files.has("config.json")) {
    const ModelConfig own = read_config(files);
    config.labels = own.labels;
    config.problem = own.problem;
  }
  if (rows == 0 || rows == config.labels.size()) return;
  config.labels.clear();
  for (size_t k = 0; k < rows; ++k) config.labels.push_back("LABEL_" + std::to_string(k));
}

// The last layer when it changes the head alone.
int64_t first_changed_layer(Adapter& adapter, const ModelConfig& config) {
  for (int64_t k = 0; k + 1 < config.layers; ++k) {
    const LayerNames names = layer_names(config.family, k);
    for (const std::string* module :
         {&names.query, &names.key, &names.value, &names.attention_output, &names.attention_norm,
          &names.intermediate, &names.output, &names.output_norm}) {
      if (adapter.lora(*module) || adapter.replacement(*module + ".weight") != nullptr ||
          adapter.replacement(*module + ".bias") != nullptr)
        return k;
    }
  }
  return config.layers - 1;
}

void check_head(const Weights& weights, const ModelConfig& config, const formats::Checkpoint& checkpoint) {
  const std::string output = head_names(config.family).output;
  const int64_t rows = weights.rows(output);
  if (rows == 0) {
    throw Error(ErrorCode::kBadData, checkpoint.describe() + ": tensor " + output +
                                         ".weight is missing: this checkpoint has no classification head");
  }
  if (rows != static_cast<int64_t>(config.labels.size())) {
    throw Error(ErrorCode::kBadData, checkpoint.describe() + ": tensor " + output + ".weight has " +
                                         std::to_string(rows) + " classes, config.json names " +
                                         std::to_string(config.labels.size()));
  }
}

}  // namespace

TaskClassifier load_task_classifier(const formats::ModelFiles& files, const formats::ModelFiles& adapter,
                                    WeightType type, backend::Backend& backend) {
  TaskClassifier task;
  task.config = read_config(files, Expected::kEncoder);
  const formats::Checkpoint checkpoint = formats::Checkpoint::open(files);
  Adapter changes = Adapter::load(adapter);
  const Weights weights(checkpoint, &changes);
  take_labels_of_adapter(adapter, weights, task.config);
  check_head(weights, task.config, checkpoint);
  Builder builder(task.config, weights, type, checkpoint, backend);
  task.branch = builder.branch(first_changed_layer(changes, task.config));
  task.weight_bytes = builder.bytes();
  try {
    changes.check_all_used();
  } catch (const Error& error) {
    throw Error(error.code(),
                std::string(error.what()) + " A task shares the embeddings; --adapter takes all of it.");
  }
  task.adapter = changes.checkpoint();
  checkpoint.release();
  return task;
}

SequenceClassifier load_sequence_classifier(const formats::ModelFiles& files,
                                            const formats::ModelFiles* adapter,
                                            std::optional<WeightType> type, backend::Backend& backend) {
  SequenceClassifier model;
  // An adapter may bring the head that its base lacks.
  model.config = read_config(files, adapter != nullptr ? Expected::kEncoder : Expected::kClassifier);
  model.checkpoint = formats::Checkpoint::open(files);
  std::optional<Adapter> changes;
  if (adapter != nullptr) changes = Adapter::load(*adapter);
  const Weights weights(model.checkpoint, changes ? &*changes : nullptr);
  if (adapter != nullptr) take_labels_of_adapter(*adapter, weights, model.config);
  check_head(weights, model.config, model.checkpoint);
  model.type = type ? *type : backend.kept_as(weights.stored_type(layer_names(model.config.family, 0).query));
  Builder builder(model.config, weights, model.type, model.checkpoint, backend);
  model.encoder = builder.encoder();
  model.head = builder.head();
  model.weight_bytes = builder.bytes();
  if (changes) {
    changes->check_all_used();
    model.adapter = changes->checkpoint();
  }
  model.checkpoint.release();
  return model;
}

}  // namespace valence::models
