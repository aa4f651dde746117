#include "pipeline/quantize.h"

#include <cmath>
#include <cstring>
#include <deque>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "formats/checkpoint.h"
#include "formats/convert.h"
#include "formats/json.h"
#include "formats/safetensors_writer.h"
#include "models/config.h"
#include "models/names.h"
#include "models/weights.h"
#include "tensor/int8.h"
#include "tensor/nf4.h"

namespace valence::pipeline {
namespace {

using backend::WeightType;
using formats::DType;
using formats::Json;
using formats::TensorView;

// The tensors of the new file: views of the old one and of memory of their own.
class Output {
 public:
  template <typename T>
  void add(std::string name, DType dtype, std::vector<int64_t> shape, std::span<const T> values) {
    const std::span<const std::byte> bytes = std::as_bytes(values);
    const std::vector<std::byte>& kept = memory_.emplace_back(bytes.begin(), bytes.end());
    tensors_.push_back({std::move(name), dtype, std::move(shape), kept});
  }
  void keep(const TensorView& tensor) { tensors_.push_back(tensor); }
  const std::vector<TensorView>& tensors() const { return tensors_; }

 private:
  std::vector<TensorView> tensors_;
  std::deque<std::vector<std::byte>> memory_;
};

void add_int8(const std::string& name, const std::vector<float>& values, int64_t rows, int64_t columns,
              Output& output) {
  std::vector<int8_t> quantized(values.size());
  std::vector<float> scales(static_cast<size_t>(rows));
  tensor::quantize_rows_int8(values.data(), rows, columns, quantized.data(), scales.data());
  output.add<int8_t>(name, DType::kI8, {rows, columns}, quantized);
  output.add<float>(name + "_scale", DType::kF32, {rows}, scales);
}

// What bitsandbytes needs to restore the matrix, in its own words.
std::string quant_state(int64_t rows, int64_t columns, float offset) {
  const auto integer = [](int64_t value) { return Json(value); };
  const Json state(Json::Object{{"quant_type", Json(std::string("nf4"))},
                                {"blocksize", integer(tensor::kNf4Block)},
                                {"dtype", Json(std::string("float32"))},
                                {"shape", Json(Json::Array{integer(rows), integer(columns)})},
                                {"nested_blocksize", integer(tensor::kNestedBlock)},
                                {"nested_dtype", Json(std::string("float32"))},
                                {"nested_offset", Json(static_cast<double>(offset))}});
  return state.dump();
}

void add_nf4(const std::string& name, const std::vector<float>& values, int64_t rows, int64_t columns,
             Output& output) {
  const tensor::Nf4Values quantized = tensor::quantize_nf4(values);
  const tensor::NestedAbsmax nested = tensor::quantize_absmax(quantized.absmax);
  const std::string state = quant_state(rows, columns, nested.offset);
  const auto size = [](const auto& values_of) { return static_cast<int64_t>(values_of.size()); };
  output.add<uint8_t>(name, DType::kU8, {size(quantized.packed), 1}, quantized.packed);
  output.add<uint8_t>(name + ".absmax", DType::kU8, {size(nested.codes)}, nested.codes);
  output.add<float>(name + ".quant_map", DType::kF32, {16}, tensor::kNf4Codebook);
  output.add<float>(name + ".nested_absmax", DType::kF32, {size(nested.absmax)}, nested.absmax);
  output.add<float>(name + ".nested_quant_map", DType::kF32, {256}, tensor::dynamic_map());
  output.add<char>(name + ".quant_state.bitsandbytes__nf4", DType::kU8, {size(state)}, state);
}

// The matrices of the encoder by their names, with rows and columns.
std::map<std::string, std::pair<int64_t, int64_t>> encoder_matrices(const models::ModelConfig& config) {
  std::map<std::string, std::pair<int64_t, int64_t>> matrices;
  const int64_t hidden = config.hidden, wide = config.intermediate;
  for (int64_t k = 0; k < config.layers; ++k) {
    const models::LayerNames names = models::layer_names(config.family, k);
    for (const std::string& name : {names.query, names.key, names.value, names.attention_output}) {
      matrices[name + ".weight"] = {hidden, hidden};
    }
    matrices[names.intermediate + ".weight"] = {wide, hidden};
    matrices[names.output + ".weight"] = {hidden, wide};
  }
  return matrices;
}

std::string module_of(const std::string& weight) {
  return weight.substr(0, weight.size() - strlen(".weight"));
}

void quantize_tensors(const models::ModelConfig& config, const formats::Checkpoint& checkpoint,
                      WeightType type, std::optional<WeightType> words_type, Output& output) {
  // bitsandbytes packs linear layers alone: beside them a word table stays as it is, unless it is asked for.
  if (!words_type && type == WeightType::kInt8) words_type = type;
  const models::Weights weights(checkpoint, nullptr);
  const auto matrices = encoder_matrices(config);
  const std::string words = models::embedding_names(config.family).words + ".weight";
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    check_interrupt();
    const auto matrix = matrices.find(name);
    if (matrix == matrices.end() && (name != words || !words_type)) {
      output.keep(tensor);
      continue;
    }
    const auto [rows, columns] = name == words ? std::pair(config.vocab_size, config.hidden) : matrix->second;
    const std::vector<float> values = models::restored(weights.matrix(module_of(name), rows, columns).source);
    if ((name == words ? *words_type : type) == WeightType::kInt8) {
      add_int8(name, values, rows, columns, output);
    } else {
      add_nf4(name, values, rows, columns, output);
    }
    checkpoint.release();
  }
}

// Names that transformers must leave alone when it reads our NF4: the modules of the head.
Json::Array kept_modules(models::Family family) {
  Json::Array names{Json(std::string("classifier"))};
  if (family == models::Family::kDistilBert) names.emplace_back(std::string("pre_classifier"));
  if (family == models::Family::kBert) names.emplace_back(std::string("pooler"));
  return names;
}

Json quantization_config(WeightType type, models::Family family) {
  const auto text = [](const char* value) { return Json(std::string(value)); };
  if (type == WeightType::kInt8) {
    return Json(Json::Object{
        {"quant_method", text("valence")}, {"bits", Json(int64_t{8})}, {"symmetric", Json(true)}});
  }
  return Json(Json::Object{{"quant_method", text("bitsandbytes")},
                           {"load_in_4bit", Json(true)},
                           {"load_in_8bit", Json(false)},
                           {"bnb_4bit_quant_type", text("nf4")},
                           {"bnb_4bit_use_double_quant", Json(true)},
                           {"bnb_4bit_compute_dtype", text("float32")},
                           {"bnb_4bit_quant_storage", text("uint8")},
                           {"llm_int8_skip_modules", Json(kept_modules(family))}});
}

void write_config(const formats::ModelFiles& source, WeightType type, models::Family family,
                  const std::filesystem::path& folder) {
  const std::string where = source.describe("config.json");
  Json::Object members = Json::parse(source.open("config.json")->text(), where).as_object(where);
  std::erase_if(members, [](const Json::Member& member) { return member.first == "quantization_config"; });
  members.emplace_back("quantization_config", quantization_config(type, family));
  AtomicFile file(folder / "config.json");
  file.write(Json(std::move(members)).dump() + "\n");
  file.commit();
}

}  // namespace

void quantize_model(const formats::ModelFiles& source, WeightType type, std::optional<WeightType> words,
                    const std::filesystem::path& out) {
  if (type != WeightType::kInt8 && type != WeightType::kNf4) {
    throw Error(ErrorCode::kUsage, "quantize writes int8 or nf4");
  }
  const models::ModelConfig config = models::read_config(source);
  const formats::Checkpoint checkpoint = formats::Checkpoint::open(source);
  const models::Weights weights(checkpoint, nullptr);
  const WeightType stored = weights.stored_type(models::layer_names(config.family, 0).query);
  if (stored == WeightType::kInt8 || stored == WeightType::kNf4) {
    throw Error(ErrorCode::kBadData,
                checkpoint.describe() + " is quantized already: start from the original");
  }
  Output output;
  quantize_tensors(config, checkpoint, type, words, output);
  AtomicFolder folder(out);
  formats::write_safetensors(folder.temporary() / "model.safetensors", output.tensors());
  write_config(source, type, config.family, folder.temporary());
  formats::copy_other_files(source, folder.temporary(), "config.json");
  folder.commit();
}

}  // namespace valence::pipeline
