#include "models/marian_config.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "models/config_reader.h"

namespace valence::models {
namespace {

using formats::Json;

constexpr int64_t kLargestSize = int64_t{1} << 24, kMostLayers = 1000, kMostPositions = int64_t{1} << 16;
constexpr int kMostBeams = 1000;

Json read_object(const formats::ModelFiles& files, const char* name) {
  const std::string where = files.describe(name);
  Json json = Json::parse(files.open(name)->text(), where);
  if (!json.is_object()) {
    throw Error(ErrorCode::kBadConfig, where + ": expected an object, got " + std::string(json.type_name()));
  }
  return json;
}

bool flag(const ConfigReader& in, std::string_view key, bool absent) {
  return in.get(key) == nullptr ? absent : in.flag(key);
}

backend::Activation read_activation(const ConfigReader& in) {
  using backend::Activation;
  const std::string name = in.text("activation_function", "gelu");
  if (name == "swish" || name == "silu") return Activation::kSilu;
  if (name == "relu") return Activation::kRelu;
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") return Activation::kGeluTanh;
  if (name == "tanh") return Activation::kTanh;
  in.fail("activation_function is " + printable(name) + ", expected swish, silu, relu, gelu or tanh");
}

void check_heads(const ConfigReader& in, const char* key, int64_t hidden, int64_t heads) {
  if (hidden % heads == 0) return;
  in.fail(std::string(key) + " is " + std::to_string(heads) + ", which does not divide d_model " +
          std::to_string(hidden));
}

int32_t token_id(const ConfigReader& in, const Json& json, std::string_view key, int64_t vocabulary) {
  const int64_t id = json.as_int(in.name(key));
  if (id < 0 || id >= vocabulary) {
    in.fail(std::string(key) + " is " + std::to_string(id) + ", expected 0 to " +
            std::to_string(vocabulary - 1));
  }
  return static_cast<int32_t>(id);
}

// A number or a list of numbers.
std::vector<int32_t> token_ids(const ConfigReader& in, std::string_view key, int64_t vocabulary) {
  std::vector<int32_t> ids;
  const Json* value = in.get(key);
  if (value == nullptr) return ids;
  if (value->is_array()) {
    for (const Json& id : value->as_array("")) ids.push_back(token_id(in, id, key, vocabulary));
  } else {
    ids.push_back(token_id(in, *value, key, vocabulary));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

void read_bad_words(const ConfigReader& in, int64_t vocabulary, GenerationSettings& out) {
  const Json* list = in.get("bad_words_ids");
  if (list == nullptr) return;
  for (const Json& word : list->as_array(in.name("bad_words_ids"))) {
    std::vector<int32_t> ids;
    for (const Json& id : word.as_array(in.name("bad_words_ids")))
      ids.push_back(token_id(in, id, "bad_words_ids", vocabulary));
    if (ids.size() > 1) out.never.push_back(std::move(ids));
    // The end of a text cannot be forbidden.
    else if (ids.size() == 1 && !std::ranges::binary_search(out.ends, ids.front())) {
      out.forbidden.push_back(ids.front());
    }
  }
}

void read_early_stopping(const ConfigReader& in, GenerationSettings& out) {
  using EarlyStopping = GenerationSettings::EarlyStopping;
  const Json* value = in.get("early_stopping");
  if (value == nullptr) return;
  if (value->is_string()) {
    if (in.text("early_stopping", "") != "never")
      in.fail("early_stopping is a text, expected \"never\", true or false");
    out.early_stopping = EarlyStopping::kNever;
  } else if (value->as_bool(in.name("early_stopping"))) {
    out.early_stopping = EarlyStopping::kYes;
  }
}

}  // namespace

MarianConfig read_marian_config(const formats::ModelFiles& files) {
  const Json root = read_object(files, "config.json");
  const ConfigReader in(root, files.describe("config.json"));
  const std::string type = in.text("model_type", "none");
  if (type != "marian") in.fail("model_type is " + printable(type) + ", expected marian");
  MarianConfig config;
  config.source_vocab = in.integer("vocab_size", 1, kLargestSize);
  config.target_vocab = in.integer("decoder_vocab_size", 1, kLargestSize, config.source_vocab);
  config.hidden = in.integer("d_model", 2, kLargestSize);
  // transformers takes num_hidden_layers for another name of it, and for the stronger one.
  const int64_t encoder_layers = in.integer("encoder_layers", 1, kMostLayers);
  config.encoder_layers = in.integer("num_hidden_layers", 1, kMostLayers, encoder_layers);
  config.decoder_layers = in.integer("decoder_layers", 1, kMostLayers);
  config.encoder_heads = in.integer("encoder_attention_heads", 1, config.hidden);
  config.decoder_heads = in.integer("decoder_attention_heads", 1, config.hidden);
  check_heads(in, "encoder_attention_heads", config.hidden, config.encoder_heads);
  check_heads(in, "decoder_attention_heads", config.hidden, config.decoder_heads);
  config.encoder_intermediate = in.integer("encoder_ffn_dim", 1, kLargestSize);
  config.decoder_intermediate = in.integer("decoder_ffn_dim", 1, kLargestSize);
  config.positions = in.integer("max_position_embeddings", 2, kMostPositions, 512);
  config.activation = read_activation(in);
  if (flag(in, "scale_embedding", false))
    config.embedding_scale = std::sqrt(static_cast<float>(config.hidden));
  config.shared_embeddings = flag(in, "share_encoder_decoder_embeddings", true);
  config.tied_output = flag(in, "tie_word_embeddings", true);
  for (const char* key : {"normalize_before", "normalize_embedding", "add_final_layer_norm"}) {
    if (in.flag(key)) in.fail(std::string(key) + " is true, expected false");
  }
  const int64_t most = config.target_vocab - 1;
  config.pad = static_cast<int32_t>(in.integer("pad_token_id", 0, most));
  config.start = static_cast<int32_t>(in.integer("decoder_start_token_id", 0, most, config.pad));
  in.integer("eos_token_id", 0, most, 0);
  return config;
}

GenerationSettings read_generation_settings(const formats::ModelFiles& files, const MarianConfig& config) {
  const Json model = read_object(files, "config.json");
  const bool own = files.has("generation_config.json");
  const char* name = own ? "generation_config.json" : "config.json";
  const Json root = own ? read_object(files, name) : model;
  const ConfigReader in(root, files.describe(name)), of_model(model, files.describe("config.json"));
  GenerationSettings out;
  out.beams = static_cast<int>(in.integer("num_beams", 1, kMostBeams, 1));
  out.max_length = in.integer("max_length", 1, kLargestSize,
                              of_model.integer("max_length", 1, kLargestSize, config.positions));
  if (const Json* penalty = in.get("length_penalty")) {
    out.length_penalty = static_cast<float>(penalty->as_number(in.name("length_penalty")));
    if (!std::isfinite(out.length_penalty)) in.fail("length_penalty is no finite number");
  }
  out.renormalize = in.flag("renormalize_logits");
  read_early_stopping(in, out);
  out.ends = token_ids(in, "eos_token_id", config.target_vocab);
  if (out.ends.empty()) out.ends = token_ids(of_model, "eos_token_id", config.target_vocab);
  if (out.ends.empty()) of_model.fail("eos_token_id is missing");
  const std::vector<int32_t> forced = token_ids(in, "forced_eos_token_id", config.target_vocab);
  if (!forced.empty()) out.forced_end = forced.front();
  read_bad_words(in, config.target_vocab, out);
  // What fills a batch up, and begins a text, is no word of it.
  if (!std::ranges::binary_search(out.ends, config.pad)) out.forbidden.push_back(config.pad);
  std::sort(out.forbidden.begin(), out.forbidden.end());
  out.forbidden.erase(std::unique(out.forbidden.begin(), out.forbidden.end()), out.forbidden.end());
  return out;
}

}  // namespace valence::models
