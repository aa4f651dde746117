#include "formats/checkpoint.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/sha256.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "formats/torch_bin.h"

namespace valence::formats {
namespace {

constexpr size_t kMaxIndex = 100'000'000;  // bytes; as the header of a safetensors file

bool ends_with(std::string_view name, std::string_view suffix) {
  return name.size() >= suffix.size() && name.substr(name.size() - suffix.size()) == suffix;
}

// A shard is a plain file beside its index: a name with a folder in it could lead anywhere.
void check_shard_name(const std::string& name, const std::string& where) {
  const bool plain = !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
                     name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
  if (!plain) {
    throw Error(ErrorCode::kBadData, where + ": the shard \"" + printable(name) + "\" is no plain file name");
  }
}

// Tensor name to the file that holds it.
std::map<std::string, std::string> read_index(std::string_view text, const std::string& where) {
  if (text.size() > kMaxIndex) {
    throw Error(ErrorCode::kBadData,
                where + " has " + std::to_string(text.size()) + " bytes, at most 100 MB are allowed");
  }
  const Json index = Json::parse(text, where);
  index.as_object(where);
  const Json* map = index.get("weight_map");
  if (!map) throw Error(ErrorCode::kBadData, where + ": weight_map is missing");
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : map->as_object(where + ": weight_map")) {
    const std::string& name = shard.as_string(where + ": weight_map: " + printable(tensor));
    check_shard_name(name, where);
    shards.emplace(tensor, name);
  }
  return shards;
}

}  // namespace

// Fills a Checkpoint file by file.
class CheckpointReader {
 public:
  explicit CheckpointReader(const ModelFiles& files) : files_(files) {}

  Checkpoint read_single(const std::string& name) {
    out_.describe_ = files_.describe(name);
    add_file(name);
    for (const auto& [name_of_twin, name_of_tensor] : metadata_) {
      const TensorView* tensor = out_.find(name_of_tensor);
      if (!tensor || out_.find(name_of_twin)) continue;
      TensorView twin = *tensor;
      twin.name = name_of_twin;
      out_.tensors_.emplace(name_of_twin, std::move(twin));
    }
    return std::move(out_);
  }

  Checkpoint read_sharded(const std::string& index_name) {
    out_.describe_ = files_.describe(index_name);
    const auto index_file = files_.open(index_name);
    const auto index = read_index(index_file->text(), out_.describe_);
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : index) shards.insert(shard);
    for (const std::string& shard : shards) {
      if (!files_.has(shard))
        throw Error(ErrorCode::kBadData, files_.describe(shard) + ": the shard is missing");
    }
    for (const std::string& shard : shards) {
      for (const std::string& tensor : add_file(shard)) check_listed(index, tensor, shard);
    }
    for (const auto& [tensor, shard] : index) {
      if (!out_.find(tensor)) {
        throw Error(ErrorCode::kBadData, files_.describe(shard) + ": tensor " + printable(tensor) +
                                             " is missing, though the index says it is there");
      }
    }
    return std::move(out_);
  }

 private:
  // Every tensor of a shard stands in the index, and for this shard.
  void check_listed(const std::map<std::string, std::string>& index, const std::string& tensor,
                    const std::string& shard) const {
    const auto listed = index.find(tensor);
    if (listed == index.end()) {
      throw Error(ErrorCode::kBadData,
                  files_.describe(shard) + ": tensor " + printable(tensor) + " does not stand in the index");
    }
    if (listed->second != shard) {
      throw Error(ErrorCode::kBadData, files_.describe(shard) + ": tensor " + printable(tensor) +
                                           " should be in " + printable(listed->second) + ", says the index");
    }
  }

  // Maps a weight file and takes its tensors; returns their names.
  std::vector<std::string> add_file(const std::string& name) {
    const auto file = files_.open(name);
    const std::string where = files_.describe(name);
    std::vector<TensorView> tensors;
    if (ends_with(name, ".safetensors")) {
      Safetensors content = read_safetensors(file->bytes(), where);
      tensors = std::move(content.tensors);
      metadata_ = std::move(content.metadata);
    } else {
      TorchBin bin = read_torch_bin(file->bytes(), where);
      tensors = std::move(bin.tensors);
      out_.copies_.insert(out_.copies_.end(), bin.copies.begin(), bin.copies.end());
    }
    out_.files_.push_back(file);
    std::vector<std::string> names;
    for (TensorView& tensor : tensors) {
      names.push_back(tensor.name);
      if (!out_.tensors_.emplace(names.back(), std::move(tensor)).second) {
        throw Error(ErrorCode::kBadData, where + ": tensor " + printable(names.back()) + " occurs twice");
      }
    }
    return names;
  }

  const ModelFiles& files_;
  std::map<std::string, std::string> metadata_;  // of the last file
  Checkpoint out_;
};

Checkpoint Checkpoint::open(const ModelFiles& files) {
  for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
    const std::string index = std::string(name) + ".index.json";
    if (files.has(name)) return CheckpointReader(files).read_single(name);
    if (files.has(index)) return CheckpointReader(files).read_sharded(index);
  }
  throw Error(ErrorCode::kUnavailable,
              printable(files.name()) + " has no weights: neither model.safetensors nor pytorch_model.bin, " +
                  "alone or in shards with an .index.json");
}

Checkpoint Checkpoint::open_adapter(const ModelFiles& files) {
  for (const char* name : {"adapter_model.safetensors", "adapter_model.bin"}) {
    if (files.has(name)) return CheckpointReader(files).read_single(name);
  }
  throw Error(ErrorCode::kUnavailable, printable(files.name()) +
                                           " has no adapter weights: neither adapter_model.safetensors nor "
                                           "adapter_model.bin");
}

Checkpoint Checkpoint::open_named(const ModelFiles& files, std::string_view name) {
  return CheckpointReader(files).read_single(std::string(name));
}

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

const TensorView& Checkpoint::at(std::string_view name) const {
  const TensorView* tensor = find(name);
  if (!tensor) throw Error(ErrorCode::kBadData, describe_ + ": tensor " + printable(name) + " is missing");
  return *tensor;
}

// Each piece goes back to the system when it was read, so that a large checkpoint is never in memory as a
// whole.
std::string Checkpoint::sha256() const {
  constexpr size_t kPiece = size_t{1} << 20;
  std::string hashes;
  for (const auto& file : files_) {
    Hasher hasher(Hasher::Kind::kSha256);
    for (size_t at = 0; at < file->bytes().size(); at += kPiece) {
      hasher.update(file->text().substr(at, kPiece));
      file->release(file->bytes().subspan(at, std::min(kPiece, file->bytes().size() - at)));
    }
    hashes += hasher.hex();
  }
  if (files_.size() == 1) return hashes;
  return sha256_hex(std::as_bytes(std::span(hashes)));
}

uint64_t Checkpoint::file_bytes() const {
  uint64_t total = 0;
  for (const auto& file : files_) total += file->bytes().size();
  return total;
}

void Checkpoint::release() const {
  for (const auto& file : files_) file->release(file->bytes());
}

}  // namespace valence::formats
