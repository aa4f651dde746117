#include "formats/convert.h"

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/files.h"
#include "base/interrupt.h"
#include "formats/checkpoint.h"
#include "formats/safetensors_writer.h"

namespace valence::formats {
namespace {

// Weights in any format that a model's folder may hold, ours or not, and the state of a training run.
bool is_weights(std::string_view name) {
  for (const std::string_view ending : {".safetensors", ".bin", ".index.json", ".h5", ".msgpack", ".onnx",
                                        ".ot", ".pt", ".pth", ".ckpt", ".gguf", ".tflite"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

void write_weights(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  std::map<std::string, std::string> metadata = {{"format", "pt"}};
  std::map<std::tuple<const std::byte*, DType, std::vector<int64_t>>, std::string> written;
  std::vector<TensorSpec> tensors;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const auto [first, is_new] =
        written.emplace(std::tuple(tensor.bytes.data(), tensor.dtype, tensor.shape), name);
    if (is_new || tensor.bytes.empty()) {
      tensors.push_back({name, tensor.dtype, tensor.shape});
    } else {
      metadata[name] = first->second;
    }
  }
  SafetensorsWriter writer(path, std::move(tensors), metadata);
  for (const TensorSpec& tensor : writer.order()) {
    check_interrupt();
    writer.write(checkpoint.at(tensor.name).bytes);
    checkpoint.release();
  }
  writer.commit();
}

}  // namespace

void convert(const ModelFiles& source, const std::filesystem::path& out) {
  const bool adapter = source.has("adapter_config.json") && !source.has("config.json");
  const Checkpoint checkpoint = adapter ? Checkpoint::open_adapter(source) : Checkpoint::open(source);
  AtomicFolder folder(out);
  write_weights(checkpoint,
                folder.temporary() / (adapter ? "adapter_model.safetensors" : "model.safetensors"));
  copy_other_files(source, folder.temporary());
  folder.commit();
}

void copy_other_files(const ModelFiles& source, const std::filesystem::path& folder,
                      std::string_view except) {
  for (const std::string& name : source.names()) {
    if (name == except || is_weights(name)) continue;
    AtomicFile file(folder / name);
    file.write(source.open(name)->bytes());
    file.commit();
  }
}

}  // namespace valence::formats
