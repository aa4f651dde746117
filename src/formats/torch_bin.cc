#include "formats/torch_bin.h"

#include <set>

#include "base/error.h"
#include "formats/little_endian.h"
#include "formats/pickle.h"
#include "formats/torch_state_dict.h"
#include "formats/zip.h"

namespace valence::formats {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadData, where + ": " + what);
}

// The folder in the archive: the one that holds data.pkl. It carries the name that the file had when saved.
std::string find_top(const ZipMembers& members, const std::string& where) {
  constexpr std::string_view kPickle = "data.pkl";
  std::string top;
  int found = 0;
  for (const auto& [name, bytes] : members) {
    const size_t slash = name.rfind('/');
    if (name.substr(slash == std::string::npos ? 0 : slash + 1) != kPickle) continue;
    top = name.substr(0, name.size() - kPickle.size());
    ++found;
  }
  if (found == 0) refuse(where, "the zip archive has no data.pkl, so PyTorch did not write it");
  if (found > 1) refuse(where, "the zip archive has more than one data.pkl");
  return top;
}

// Since PyTorch 1.6: <top>/data.pkl describes the tensors, <top>/data/<key> holds the storage of that key.
TorchBin read_zip(std::span<const std::byte> file, const std::string& where) {
  const ZipMembers members = read_stored_zip(file, where);
  const std::string top = find_top(members, where);
  const auto order = members.find(top + "byteorder");
  if (order != members.end() && std::string_view(reinterpret_cast<const char*>(order->second.data()),
                                                 order->second.size()) != "little") {
    refuse(where, "its numbers are not little-endian");
  }
  const std::string prefix = top + "data/";
  TorchStorages storages;
  for (auto it = members.lower_bound(prefix); it != members.end() && it->first.starts_with(prefix); ++it) {
    storages.emplace(it->first.substr(prefix.size()), it->second);
  }
  const Pickle pickle = read_pickle(members.at(top + "data.pkl"), torch_names(), where);
  return read_torch_state_dict(pickle, storages, file.size(), where);
}

// Before PyTorch 1.6: five pickles in a row (a magic number, the version 1001, facts about the system, the
// state dict, the list of storage keys), then each storage in that order: its number of elements and its
// bytes.
class LegacyReader {
 public:
  LegacyReader(std::span<const std::byte> file, const std::string& where)
      : rest_(file), size_(file.size()), where_(where) {}

  TorchBin read() {
    rest_ = rest_.subspan(kMagic.size());
    check_version(next());
    check_system(next());
    const Pickle state = next();
    const Pickle keys = next();
    return read_torch_state_dict(state, read_storages(state, keys), size_, where_);
  }

  static bool recognizes(std::span<const std::byte> file) {
    return file.size() >= kMagic.size() &&
           std::string_view(reinterpret_cast<const char*>(file.data()), kMagic.size()) == kMagic;
  }

 private:
  // The pickle of 0x1950a86a20f9469cfc6c.
  static constexpr std::string_view kMagic{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e",
                                           15};

  Pickle next() {
    Pickle pickle = read_pickle(rest_, torch_names(), where_);
    rest_ = rest_.subspan(pickle.size);
    return pickle;
  }

  void check_version(const Pickle& version) const {
    const PickleNode& node = version[version.root];
    if (node.kind != PickleNode::Kind::kInteger || node.integer != 1001)
      refuse(where_, "unknown version of torch.save");
  }

  // {"protocol_version": 1001, "little_endian": True, "type_sizes": {…}}
  void check_system(const Pickle& system) const {
    const PickleNode& facts = system[system.root];
    if (facts.kind != PickleNode::Kind::kDict) refuse(where_, "the facts about the system are no dict");
    for (size_t i = 0; i < facts.items.size(); i += 2) {
      const PickleNode& key = system[facts.items[i]];
      if (key.kind != PickleNode::Kind::kText || key.text != "little_endian") continue;
      if (system[facts.items[i + 1]].integer != 1) refuse(where_, "its numbers are not little-endian");
    }
  }

  TorchStorages read_storages(const Pickle& state, const Pickle& keys) {
    std::map<std::string_view, DType> dtypes;
    for (const TorchStorageRef& ref : torch_storage_refs(state, where_)) dtypes.emplace(ref.key, ref.dtype);
    const PickleNode& list = keys[keys.root];
    if (list.kind != PickleNode::Kind::kList) refuse(where_, "the keys of the storages are no list");
    TorchStorages storages;
    for (const PickleId id : list.items) {
      const std::string key(keys[id].text);
      const auto dtype = dtypes.find(key);
      if (dtype == dtypes.end()) refuse(where_, "no tensor uses storage " + printable(key, 40));
      if (!storages.emplace(key, take_storage(key, dtype->second)).second) {
        refuse(where_, "storage " + printable(key, 40) + " occurs twice");
      }
    }
    return storages;
  }

  std::span<const std::byte> take_storage(const std::string& key, DType dtype) {
    constexpr size_t kCount = sizeof(int64_t);
    if (rest_.size() < kCount) refuse(where_, "the file ends before storage " + printable(key, 40));
    const auto elements = load_little_endian<int64_t>(rest_, 0);
    const auto size = checked_byte_size(dtype, std::span(&elements, 1));
    if (!size || *size > rest_.size() - kCount) {
      refuse(where_, "storage " + printable(key, 40) + " claims " + std::to_string(elements) + " " +
                         dtype_name(dtype) + ", but " + std::to_string(rest_.size() - kCount) +
                         " bytes are left in the file");
    }
    const std::span<const std::byte> bytes = rest_.subspan(kCount, *size);
    rest_ = rest_.subspan(kCount + *size);
    return bytes;
  }

  std::span<const std::byte> rest_;
  size_t size_;
  const std::string& where_;
};

}  // namespace

TorchBin read_torch_bin(std::span<const std::byte> file, const std::string& where) {
  if (looks_like_zip(file)) return read_zip(file, where);
  if (LegacyReader::recognizes(file)) return LegacyReader(file, where).read();
  refuse(where,
         "this is no PyTorch weight file: it begins neither as a zip archive nor as torch.save wrote before "
         "1.6");
}

}  // namespace valence::formats
