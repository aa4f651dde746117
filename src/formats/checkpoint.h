// The tensors of a model's weights, whatever files they lie in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "formats/model_files.h"

namespace valence::formats {

enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool };

const char* dtype_name(DType dtype);  // as safetensors spells it: "F32"
size_t dtype_size(DType dtype);       // bytes of one element
std::optional<DType> dtype_of_name(std::string_view name);

// Bytes of a tensor; nothing when a dimension is negative or the product does not fit 64 bits.
std::optional<uint64_t> checked_byte_size(DType dtype, std::span<const int64_t> shape);

// Little-endian, row-major and contiguous. `bytes` points into a mapped file: it may be unaligned.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;

  int64_t elements() const;
};

std::string shape_text(std::span<const int64_t> shape);  // "[2, 768]"

// Immutable after it is opened; the views live as long as it does.
class Checkpoint {
 public:
  // Looks for model.safetensors, model.safetensors.index.json (shards), pytorch_model.bin,
  // pytorch_model.bin.index.json, in this order; every check on every file happens here. A tensor that the
  // metadata of model.safetensors names as the twin of another ({"twin": "tensor"}, by which the format
  // stands for tensors that share their memory) is there under both names. Errors: kUnavailable when there
  // are no weights; kBadData naming file, tensor and what is wrong.
  static Checkpoint open(const ModelFiles& files);
  // adapter_model.safetensors, else adapter_model.bin.
  static Checkpoint open_adapter(const ModelFiles& files);
  // One file of weights by its name.
  static Checkpoint open_named(const ModelFiles& files, std::string_view name);

  const std::map<std::string, TensorView, std::less<>>& tensors() const { return tensors_; }
  const TensorView* find(std::string_view name) const;  // null when absent
  // Errors: kBadData "<file>: tensor <name> is missing".
  const TensorView& at(std::string_view name) const;
  // SHA-256 in hex of the weight file; of several files, of their hashes' concatenation in name order.
  std::string sha256() const;
  // Total bytes of the weight files.
  uint64_t file_bytes() const;
  // Tells the system that the pages read so far may go (they are read again when touched).
  void release() const;
  // How messages name the weights: the path of the single file or of the index.
  const std::string& describe() const { return describe_; }

 private:
  friend class CheckpointReader;

  std::string describe_;
  std::vector<std::shared_ptr<const FileBytes>> files_;  // in the order of their names
  // Memory of tensors that are not contiguous in a .bin file.
  std::vector<std::shared_ptr<const std::vector<std::byte>>> copies_;
  std::map<std::string, TensorView, std::less<>> tensors_;
};

}  // namespace valence::formats
