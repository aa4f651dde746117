// links: valence_models
// One text as config.json, as tokenizer_config.json and as adapter_config.json.
#include "formats/safetensors_writer.h"
#include "fuzz_target.h"
#include "models/adapter.h"
#include "models/config.h"

namespace {

using namespace valence;

constexpr std::string_view kConfig =
    R"({"model_type": "distilbert", "vocab_size": 39, "dim": 32, "hidden_dim": 64, "n_layers": 1, "n_heads": 2,
        "max_position_embeddings": 64, "id2label": {"0": "a", "1": "b"}})";
// One update of rank 2 for a matrix [4, 4].
constexpr std::string_view kAdapter =
    R"({"base_model.model.m.lora_A.weight": {"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 32]},)"
    R"( "base_model.model.m.lora_B.weight": {"dtype": "F32", "shape": [4, 2], "data_offsets": [32, 64]}})";

std::string adapter_file() {
  std::string file(8, '\0');
  file[0] = static_cast<char>(kAdapter.size());
  static_assert(kAdapter.size() < 256);
  return file.append(kAdapter).append(64, '\0');
}

formats::ModelFiles files_with(const char* name, std::string_view text, const char* other,
                               std::string_view other_text) {
  return formats::ModelFiles::from_memory(
      "model", {{name, fuzz::as_bytes(text)}, {other, fuzz::as_bytes(other_text)}});
}

void check_config(const models::ModelConfig& config) {
  fuzz::must(config.hidden > 0 && config.heads > 0 && config.hidden % config.heads == 0,
             "heads divide the width");
  fuzz::must(config.layers >= 0 && config.vocab_size > 0 && config.intermediate > 0, "sizes are sizes");
  fuzz::must(config.max_tokens() > 0, "there is room for tokens");
  fuzz::must(!config.labels.empty(), "there are labels");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string kWeights = adapter_file();
  const std::string_view text = fuzz::as_text(data, size);
  const auto codes = {ErrorCode::kBadData, ErrorCode::kBadConfig};
  fuzz::accepted(codes, [&] {
    const auto files = files_with("config.json", text, "tokenizer_config.json", text);
    const models::ModelConfig config = models::read_config(files);
    check_config(config);
    fuzz::must(models::longest_input(files, config) > 0, "the longest input is a length");
  });
  fuzz::accepted(codes, [&] {
    const auto files = files_with("config.json", kConfig, "tokenizer_config.json", text);
    const models::ModelConfig config = models::read_config(files);
    fuzz::must(models::longest_input(files, config) > 0, "the longest input is a length");
  });
  const auto files = files_with("adapter_config.json", text, "adapter_model.safetensors", kWeights);
  fuzz::accepted(codes, [&] { models::adapter_base(files); });
  fuzz::accepted(codes, [&] { models::Adapter::load(files).lora("m"); });
  return 0;
}
