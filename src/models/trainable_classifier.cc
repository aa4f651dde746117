#include "models/trainable_classifier.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "models/adapter.h"
#include "models/names.h"
#include "tensor/nf4.h"

namespace valence::models {
namespace {

using backend::WeightType;
using nn::Parameter;

constexpr double kInitialDeviation = 0.02;  // initializer_range of all these models

// As PEFT reads target_modules and modules_to_save: the whole name or its last parts.
bool ends_in(const std::string& module, const std::string& part) {
  return module == part || module.ends_with("." + part);
}

std::vector<std::string> usual_targets(Family family) {
  if (family == Family::kDistilBert) return {"q_lin", "v_lin"};
  return {"query", "value"};
}

}  // namespace

class TrainableBuilder {
 public:
  TrainableBuilder(TrainableClassifier& out, Adapter* adapter, backend::TrainingBackend& backend)
      : out_(out),
        config_(out.config_),
        settings_(out.settings_),
        weights_(out.checkpoint_, adapter),
        adapter_(adapter),
        backend_(backend),
        full_(settings_.method == TrainingMethod::kFull) {}

  void build() {
    nn::TrainableModel& model = out_.model_;
    model.hidden = config_.hidden;
    model.intermediate = config_.intermediate;
    model.heads = static_cast<int>(config_.heads);
    model.activation = config_.activation;
    const DropoutRates rates = read_dropout_rates(out_.files_, config_.family);
    model.hidden_dropout = rates.hidden;
    model.projection_dropout = config_.family == Family::kDistilBert ? 0 : rates.hidden;
    model.attention_dropout = rates.attention;
    model.head_dropout = rates.head;
    if (settings_.lora.targets.empty()) settings_.lora.targets = usual_targets(config_.family);
    build_embeddings(model);
    for (int64_t k = 0; k < config_.layers; ++k) {
      model.layers.push_back(layer(layer_names(config_.family, k)));
      out_.checkpoint_.release();
    }
    build_head(model);
    for (const std::string& target : settings_.lora.targets) {
      if (full_ || targets_found_.contains(target)) continue;
      throw Error(ErrorCode::kUsage, "--targets: no matrix of the encoder is called " + printable(target));
    }
    if (adapter_ != nullptr) adapter_->check_all_used();
    out_.checkpoint_.release();
  }

 private:
  void check_finite(const std::string& name, std::span<const float> values) const {
    if (std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) return;
    throw Error(ErrorCode::kBadData,
                out_.checkpoint_.describe() + ": tensor " + printable(name) + " holds a NaN or an infinity");
  }
  // Of a matrix that is stored in fp32: other types are checked by what they can hold.
  void check_finite(const std::string& name, const backend::MatrixSource& source) const {
    if (source.type != WeightType::kFp32) return;
    check_finite(name, std::span(source.fp32, static_cast<size_t>(source.out_features * source.in_features)));
  }

  Parameter& add(std::string name, int64_t rows, int64_t columns, bool is_vector, bool trained,
                 const std::vector<float>& value) {
    check_finite(name, value);
    Parameter& parameter = out_.tensors_.emplace_back();
    parameter.name = std::move(name);
    parameter.rows = rows;
    parameter.columns = columns;
    parameter.is_vector = is_vector;
    parameter.value.set(backend_, value);
    parameter.trained = trained;
    return parameter;
  }

  Parameter* vector(const std::string& name, int64_t size, bool trained) {
    return &add(name, 1, size, true, trained, weights_.vector(name, size));
  }
  Parameter* bias(const std::string& module, int64_t size, bool trained) {
    return &add(module + ".bias", 1, size, true, trained, weights_.bias(module, size));
  }
  Parameter* matrix(const std::string& module, int64_t rows, int64_t columns, bool trained) {
    Matrix stored = weights_.matrix(module, rows, columns);
    merge_update(stored);
    return &add(module + ".weight", rows, columns, false, trained, restored(stored.source));
  }
  Parameter* random_matrix(const std::string& name, int64_t rows, int64_t columns, double deviation) {
    Random random(seed_for(settings_.seed, name));
    std::vector<float> values(static_cast<size_t>(rows * columns));
    for (float& value : values) value = static_cast<float>(deviation * random.normal());
    return &add(name, rows, columns, false, true, values);
  }

  nn::TrainableNorm norm(const std::string& module) {
    return {vector(module + ".weight", config_.hidden, full_),
            vector(module + ".bias", config_.hidden, full_), config_.epsilon};
  }

  void build_embeddings(nn::TrainableModel& model) {
    const EmbeddingNames names = embedding_names(config_.family);
    if (full_) {
      model.words = matrix(names.words, config_.vocab_size, config_.hidden, !settings_.freeze_words);
      model.words->by_rows = model.words->trained;
    } else {
      Matrix& words =
          out_.frozen_.emplace_back(weights_.matrix(names.words, config_.vocab_size, config_.hidden));
      check_finite(names.words + ".weight", words.source);
      out_.word_table_ = backend_.map_table(words.source);
      model.frozen_words = out_.word_table_.get();
    }
    model.positions = matrix(names.positions, config_.position_rows, config_.hidden, full_);
    if (!names.types.empty()) model.types = matrix(names.types, config_.type_rows, config_.hidden, full_);
    model.norm = norm(names.norm);
    out_.checkpoint_.release();
  }

  // The matrix in the type that frozen weights are kept in.
  const backend::MatrixSource& frozen(const std::string& module, int64_t rows, int64_t columns) {
    Matrix matrix = weights_.matrix(module, rows, columns);
    matrix.update.reset();
    check_finite(module + ".weight", matrix.source);
    const WeightType type = matrix.source.type;
    if (settings_.method == TrainingMethod::kQlora && type != WeightType::kNf4) {
      matrix = in_nf4(matrix.source);
    } else if (type == WeightType::kInt8) {
      std::vector<float> values = restored(matrix.source);
      matrix = Matrix();
      matrix.fp32 = std::move(values);
      matrix.source = {.out_features = rows, .in_features = columns, .fp32 = matrix.fp32.data()};
    }
    const Matrix& kept = out_.frozen_.emplace_back(std::move(matrix));
    const backend::MatrixSource& held =
        out_.held_.emplace_back(backend_.hold(kept.source, settings_.bf16))->source();
    if (!backend_.is_host() || held.type != kept.source.type) out_.frozen_.pop_back();  // it has its own
    return held;
  }

  static Matrix in_nf4(const backend::MatrixSource& source) {
    tensor::Nf4Values quantized = tensor::quantize_nf4(restored(source));
    const tensor::NestedAbsmax nested = tensor::quantize_absmax(quantized.absmax);
    Matrix matrix;
    matrix.nf4 = std::move(quantized.packed);
    matrix.scales = tensor::restore_absmax(nested.codes, nested.absmax, tensor::dynamic_map(), nested.offset);
    matrix.codebook.assign(tensor::kNf4Codebook.begin(), tensor::kNf4Codebook.end());
    matrix.source = {.type = WeightType::kNf4,
                     .out_features = source.out_features,
                     .in_features = source.in_features,
                     .nf4 = matrix.nf4.data(),
                     .block_absmax = matrix.scales.data(),
                     .codebook = matrix.codebook.data()};
    return matrix;
  }

  nn::TrainableDense encoder_dense(const std::string& module, int64_t out, int64_t in) {
    nn::TrainableDense dense;
    dense.site = ++sites_ << 8;
    dense.bf16 = settings_.bf16;
    if (full_) {
      dense.weight = matrix(module, out, in, true);
      dense.bias = bias(module, out, true);
      return dense;
    }
    dense.frozen = frozen(module, out, in);
    dense.bias = bias(module, out, false);
    bool wanted = false;
    for (const std::string& target : settings_.lora.targets) {
      if (!ends_in(module, target)) continue;
      wanted = true;
      targets_found_.insert(target);
    }
    if (adapter_ != nullptr) {
      load_update(module, out, in, dense);
    } else if (wanted) {
      new_update(module, out, in, dense);
    }
    return dense;
  }

  void new_update(const std::string& module, int64_t out, int64_t in, nn::TrainableDense& dense) {
    const LoraSettings& lora = settings_.lora;
    const auto rank = static_cast<double>(lora.rank);
    // Uniform within 1 / sqrt(in), as PEFT draws it (Kaiming with a = sqrt 5); `up` is zero.
    Random random(seed_for(settings_.seed, module));
    std::vector<float> down(static_cast<size_t>(lora.rank * in));
    const double bound = 1.0 / std::sqrt(static_cast<double>(in));
    for (float& value : down) value = static_cast<float>(bound * (2 * random.uniform() - 1));
    dense.down = &add(module + ".lora_A.weight", lora.rank, in, false, true, down);
    dense.up = &add(module + ".lora_B.weight", out, lora.rank, false, true,
                    std::vector<float>(static_cast<size_t>(out * lora.rank), 0.0f));
    dense.scale = static_cast<float>(lora.alpha / (lora.root_rank ? std::sqrt(rank) : rank));
    dense.dropout = lora.dropout;
  }

  void load_update(const std::string& module, int64_t out, int64_t in, nn::TrainableDense& dense) {
    const std::optional<Lora> lora = adapter_->lora(module);
    if (!lora) return;
    if (lora->b_bias != nullptr) {
      throw Error(ErrorCode::kBadConfig, adapter_->checkpoint().describe() +
                                             ": training an adapter with lora_bias is not supported");
    }
    LowRank values = *weights_.matrix(module, out, in).update;  // `up` comes with the scale
    for (float& value : values.up) value /= lora->scale;
    dense.down = &add(module + ".lora_A.weight", values.rank, in, false, true, values.down);
    dense.up = &add(module + ".lora_B.weight", out, values.rank, false, true, values.up);
    dense.scale = lora->scale;
    dense.dropout = settings_.lora.dropout;
  }

  nn::TrainableLayer layer(const LayerNames& names) {
    const int64_t hidden = config_.hidden, wide = config_.intermediate;
    nn::TrainableLayer layer;
    layer.query = encoder_dense(names.query, hidden, hidden);
    layer.key = encoder_dense(names.key, hidden, hidden);
    layer.value = encoder_dense(names.value, hidden, hidden);
    layer.attention_output = encoder_dense(names.attention_output, hidden, hidden);
    layer.attention_norm = norm(names.attention_norm);
    layer.intermediate = encoder_dense(names.intermediate, wide, hidden);
    layer.output = encoder_dense(names.output, hidden, wide);
    layer.output_norm = norm(names.output_norm);
    layer.site = ++sites_ << 8;
    return layer;
  }

  // Which modules of the head an adapter carries whole. PEFT saves all whose name ends in "classifier", which
  // is pre_classifier too; BERT's pooler belongs to the encoder unless it is new.
  bool saved(const std::string& module) const {
    if (full_) return true;
    if (adapter_ != nullptr) return adapter_->replacement(module + ".weight") != nullptr;
    return module.find("classifier") != module.npos || !weights_.has(module + ".weight");
  }

  nn::TrainableDense head_dense(const std::string& module, int64_t out, bool is_new) {
    nn::TrainableDense dense;
    dense.site = ++sites_ << 8;
    const bool trained = saved(module);
    if (is_new || weights_.rows(module) == 0) {
      dense.weight = random_matrix(module + ".weight", out, config_.hidden, kInitialDeviation);
      dense.bias =
          &add(module + ".bias", 1, out, true, true, std::vector<float>(static_cast<size_t>(out), 0.0f));
    } else {
      dense.weight = matrix(module, out, config_.hidden, trained);
      dense.bias = bias(module, out, trained);
    }
    if (!full_ && dense.weight->trained) out_.saved_modules_.push_back(module);
    return dense;
  }

  void build_head(nn::TrainableModel& model) {
    const HeadNames names = head_names(config_.family);
    model.head_drops_first = config_.family == Family::kRoberta;
    model.head_activation =
        config_.family == Family::kDistilBert ? backend::Activation::kRelu : backend::Activation::kTanh;
    model.head = head_dense(names.dense, config_.hidden, false);
    // A head of as many classes under other names would begin with what it knew of those.
    model.head_output = head_dense(names.output, static_cast<int64_t>(config_.labels.size()), out_.new_head_);
  }

  TrainableClassifier& out_;
  const ModelConfig& config_;
  TrainableSettings& settings_;
  const Weights weights_;
  Adapter* adapter_;
  backend::TrainingBackend& backend_;
  const bool full_;
  uint64_t sites_ = 0;
  std::set<std::string> targets_found_;
};

TrainableClassifier::TrainableClassifier(formats::ModelFiles files, const formats::ModelFiles* adapter,
                                         const TrainableSettings& settings, backend::TrainingBackend& backend)
    : backend_(backend),
      files_(std::move(files)),
      checkpoint_(formats::Checkpoint::open(files_)),
      settings_(settings) {
  config_ = read_config(files_, Expected::kEncoder);
  std::optional<Adapter> changes;
  std::vector<std::string> labels = config_.labels;
  if (adapter != nullptr) {
    changes.emplace(Adapter::load(*adapter));
    adapter_config_ = std::string(adapter->open("adapter_config.json")->text());
    if (adapter->has("config.json")) labels = read_config(*adapter, Expected::kEncoder).labels;
    settings_.lora.targets.clear();
  }
  const Weights weights(checkpoint_, changes ? &*changes : nullptr);
  const bool same = std::ranges::is_permutation(labels, settings.labels);
  const bool has_head =
      weights.rows(head_names(config_.family).output) == static_cast<int64_t>(labels.size());
  new_head_ = !same || !has_head;
  config_.labels = same ? labels : settings.labels;
  config_.problem = settings.problem;
  TrainableBuilder(*this, changes ? &*changes : nullptr, backend).build();
}

double TrainableClassifier::frozen_bytes() const {
  double sum = 0;
  for (const auto& matrix : held_) {
    const backend::MatrixSource& source = matrix->source();
    const double nf4 = 0.5 + 4.0 / tensor::kNf4Block;  // and the scale of a block
    const double each = source.type == WeightType::kNf4 ? nf4 : source.type == WeightType::kBf16 ? 2 : 4;
    sum += each * static_cast<double>(source.out_features * source.in_features);
  }
  return sum;
}

std::vector<Parameter*> TrainableClassifier::trained() {
  std::vector<Parameter*> out;
  for (Parameter& tensor : tensors_) {
    if (tensor.trained) out.push_back(&tensor);
  }
  return out;
}

}  // namespace valence::models
