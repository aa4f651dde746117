#include "models/config.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>

#include "base/error.h"
#include "formats/json.h"
#include "models/config_reader.h"

namespace valence::models {
namespace {

using formats::Json;
using Reader = ConfigReader;

// Far above every published encoder; keeps products of two sizes within 64 bits.
constexpr int64_t kLargestSize = int64_t{1} << 24;
constexpr int64_t kMostLayers = 1000;
constexpr int64_t kMostLabels = 100000;

Family read_family(const Reader& in, Expected expected) {
  std::string architecture;
  if (const Json* list = in.get("architectures")) {
    const Json::Array& names = list->as_array(in.name("architectures"));
    if (!names.empty()) architecture = names.front().as_string(in.name("architectures"));
  }
  const std::string type = in.text("model_type", "");
  const std::string said = "model_type " + printable(type.empty() ? "none" : type) +
                           (architecture.empty() ? "" : ", architecture " + printable(architecture));
  if (expected == Expected::kClassifier && !architecture.empty() &&
      !architecture.ends_with("ForSequenceClassification")) {
    in.fail(said + " is no sequence classifier");
  }
  const std::string kind = type.empty() ? architecture : type;
  if (kind == "bert" || kind == "BertForSequenceClassification") return Family::kBert;
  if (kind == "distilbert" || kind == "DistilBertForSequenceClassification") return Family::kDistilBert;
  if (kind == "roberta" || kind == "xlm-roberta" || kind == "camembert" ||
      kind == "RobertaForSequenceClassification" || kind == "XLMRobertaForSequenceClassification") {
    return Family::kRoberta;
  }
  in.fail(said + " is not supported; expected bert, distilbert, roberta or xlm-roberta");
}

backend::Activation read_activation(const Reader& in, std::string_view key) {
  const std::string name = in.text(key, "gelu");
  if (name == "gelu") return backend::Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") {
    return backend::Activation::kGeluTanh;
  }
  if (name == "relu") return backend::Activation::kRelu;
  if (name == "tanh") return backend::Activation::kTanh;
  in.fail(std::string(key) + " is " + printable(name) + ", expected gelu, gelu_new, relu or tanh");
}

std::vector<std::string> read_labels(const Reader& in) {
  const Json* map = in.get("id2label");
  if (map == nullptr) {
    const int64_t count = in.integer("num_labels", 1, kMostLabels, 2);
    std::vector<std::string> labels;
    for (int64_t k = 0; k < count; ++k) labels.push_back("LABEL_" + std::to_string(k));
    return labels;
  }
  const Json::Object& members = map->as_object(in.name("id2label"));
  if (members.empty()) in.fail("id2label is empty, expected a name for each class");
  std::vector<std::string> labels(members.size());
  std::vector<bool> seen(members.size());
  for (const auto& [key, value] : members) {
    // Some files write a name as a number ({"0": 0}).
    std::string label =
        value.is_int() ? std::to_string(value.as_int("")) : value.as_string(in.name("id2label"));
    size_t id = 0;
    const bool digits = !key.empty() && key.size() <= 9 && key.find_first_not_of("0123456789") == key.npos;
    if (digits) id = std::stoul(key);
    if (!digits || id >= labels.size() || seen[id]) {
      in.fail("id2label has the id " + printable(key) + ", expected 0 to " +
              std::to_string(labels.size() - 1) + ", each once");
    }
    seen[id] = true;
    labels[id] = std::move(label);
  }
  std::set<std::string_view> names;
  for (const std::string& label : labels) {
    if (!names.insert(label).second) in.fail("id2label names two classes " + printable(label));
  }
  return labels;
}

Problem read_problem(const Reader& in) {
  const std::string type = in.text("problem_type", "");
  if (type.empty() || type == "single_label_classification") return Problem::kSingleLabel;
  if (type == "multi_label_classification") return Problem::kMultiLabel;
  if (type == "regression") return Problem::kRegression;
  in.fail("problem_type is " + printable(type) +
          ", expected single_label_classification, multi_label_classification or regression");
}

float read_epsilon(const Reader& in) {
  const Json* value = in.get("layer_norm_eps");
  if (value == nullptr) return 1e-12f;
  const double epsilon = value->as_number(in.name("layer_norm_eps"));
  if (!(epsilon > 0 && epsilon < 1)) in.fail("layer_norm_eps is not between 0 and 1");
  return static_cast<float>(epsilon);
}

void read_sizes(const Reader& in, ModelConfig& config) {
  const bool distil = config.family == Family::kDistilBert;
  const auto size = [&](const char* usual, const char* in_distilbert, int64_t most) {
    return in.integer(distil ? in_distilbert : usual, 1, most);
  };
  config.vocab_size = in.integer("vocab_size", 1, kLargestSize);
  config.hidden = size("hidden_size", "dim", kLargestSize);
  config.layers = size("num_hidden_layers", "n_layers", kMostLayers);
  config.heads = size("num_attention_heads", "n_heads", kLargestSize);
  config.intermediate = size("intermediate_size", "hidden_dim", kLargestSize);
  config.position_rows = in.integer("max_position_embeddings", 1, kLargestSize);
  if (!distil) config.type_rows = in.integer("type_vocab_size", 1, kLargestSize, 2);
  const int64_t usual_pad = config.family == Family::kRoberta ? 1 : 0;
  config.pad_id = in.integer("pad_token_id", 0, config.vocab_size - 1, usual_pad);
  if (config.hidden % config.heads != 0) {
    in.fail("the width " + std::to_string(config.hidden) + " is not a multiple of the " +
            std::to_string(config.heads) + " attention heads");
  }
  if (config.max_tokens() < 3) {
    in.fail("max_position_embeddings is " + std::to_string(config.position_rows) +
            ", which leaves no room for a text");
  }
}

}  // namespace

ModelConfig read_config(const formats::ModelFiles& files, Expected expected) {
  if (!files.has("config.json")) {
    throw Error(ErrorCode::kUnavailable, printable(files.name()) + " is no model: it has no config.json");
  }
  const std::string where = files.describe("config.json");
  const auto bytes = files.open("config.json");
  const Json root = Json::parse(bytes->text(), where);
  if (!root.is_object())
    throw Error(ErrorCode::kBadConfig, where + ": expected an object, got " + std::string(root.type_name()));
  const Reader in(root, where);
  ModelConfig config;
  config.family = read_family(in, expected);
  read_sizes(in, config);
  if (in.flag("is_decoder")) in.fail("is_decoder is true, expected an encoder");
  const std::string positions = in.text("position_embedding_type", "absolute");
  if (positions != "absolute") {
    in.fail("position_embedding_type is " + printable(positions) + ", expected absolute");
  }
  config.epsilon = read_epsilon(in);
  config.activation = read_activation(in, config.family == Family::kDistilBert ? "activation" : "hidden_act");
  config.labels = read_labels(in);
  config.problem = read_problem(in);
  config.origin = in.text("_name_or_path", "");
  return config;
}

int64_t parameter_count(const ModelConfig& config, size_t labels) {
  const int64_t h = config.hidden, wide = config.intermediate;
  const auto dense = [](int64_t out, int64_t in) { return out * (in + 1); };
  const int64_t embeddings = (config.vocab_size + config.position_rows + config.type_rows + 2) * h;
  const int64_t layer = 4 * dense(h, h) + dense(wide, h) + dense(h, wide) + 4 * h;
  return embeddings + config.layers * layer + dense(h, h) + dense(static_cast<int64_t>(labels), h);
}

DropoutRates read_dropout_rates(const formats::ModelFiles& files, Family family) {
  const std::string where = files.describe("config.json");
  const Json root = Json::parse(files.open("config.json")->text(), where);
  const Reader in(root, where);
  const auto rate = [&](const char* key, float usual) {
    const Json* value = in.get(key);
    if (value == nullptr) return usual;
    const double said = value->as_number(in.name(key));
    if (!(said >= 0 && said < 1)) in.fail(std::string(key) + " is not between 0 and 1");
    return static_cast<float>(said);
  };
  if (family == Family::kDistilBert) {
    return {rate("dropout", 0.1f), rate("attention_dropout", 0.1f), rate("seq_classif_dropout", 0.2f)};
  }
  const float hidden = rate("hidden_dropout_prob", 0.1f);
  return {hidden, rate("attention_probs_dropout_prob", 0.1f), rate("classifier_dropout", hidden)};
}

int64_t longest_input(const formats::ModelFiles& files, const ModelConfig& config) {
  const int64_t rows = config.max_tokens();
  if (!files.has("tokenizer_config.json")) return rows;
  const std::string where = files.describe("tokenizer_config.json");
  const Json root = Json::parse(files.open("tokenizer_config.json")->text(), where);
  const Json* limit = root.get("model_max_length");  // 1e30 stands for "none"
  if (limit == nullptr) return rows;
  const double length = limit->as_number(where + ": model_max_length");
  if (!(length >= 3))
    throw Error(ErrorCode::kBadConfig, where + ": model_max_length leaves no room for a text");
  return length < static_cast<double>(rows) ? static_cast<int64_t>(length) : rows;
}

}  // namespace valence::models
