#include "formats/torch_state_dict.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>

#include "base/error.h"
#include "base/utf8.h"

namespace valence::formats {
namespace {

using Kind = PickleNode::Kind;

constexpr size_t kMaxRank = 64;  // of PyTorch
constexpr std::string_view kRebuildTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kNames[] = {
    kOrderedDict,         kRebuildTensor,       kRebuildParameter,       "torch DoubleStorage",
    "torch FloatStorage", "torch HalfStorage",  "torch BFloat16Storage", "torch LongStorage",
    "torch IntStorage",   "torch ShortStorage", "torch CharStorage",     "torch ByteStorage",
    "torch BoolStorage"};

std::optional<DType> storage_dtype(std::string_view type) {
  if (type == "torch DoubleStorage") return DType::kF64;
  if (type == "torch FloatStorage") return DType::kF32;
  if (type == "torch HalfStorage") return DType::kF16;
  if (type == "torch BFloat16Storage") return DType::kBF16;
  if (type == "torch LongStorage") return DType::kI64;
  if (type == "torch IntStorage") return DType::kI32;
  if (type == "torch ShortStorage") return DType::kI16;
  if (type == "torch CharStorage") return DType::kI8;
  if (type == "torch ByteStorage") return DType::kU8;
  if (type == "torch BoolStorage") return DType::kBool;
  return std::nullopt;
}

// A tensor as the pickle describes it; offset and strides count elements of the storage.
struct Layout {
  TorchStorageRef storage;
  int64_t offset;
  std::vector<int64_t> shape, strides;
};

// Row-major without gaps; strides of dimensions of size 1 mean nothing.
bool is_contiguous(const Layout& layout) {
  int64_t expected = 1;
  for (size_t i = layout.shape.size(); i-- > 0;) {
    if (layout.shape[i] != 1 && layout.strides[i] != expected) return false;
    expected *= layout.shape[i];
  }
  return true;
}

// One more than the index of the last element that the tensor touches; nothing on overflow. No empty tensors.
std::optional<uint64_t> elements_reached(const Layout& layout) {
  int64_t last = layout.offset;
  for (size_t i = 0; i < layout.shape.size(); ++i) {
    int64_t step = 0;
    if (__builtin_mul_overflow(layout.shape[i] - 1, layout.strides[i], &step)) return std::nullopt;
    if (__builtin_add_overflow(last, step, &last)) return std::nullopt;
  }
  return static_cast<uint64_t>(last) + 1;
}

// Copies the elements in row-major order. `storage` holds all that the layout reaches.
std::vector<std::byte> gather(const Layout& layout, std::span<const std::byte> storage, size_t bytes) {
  const size_t item_size = dtype_size(layout.storage.dtype);
  std::vector<std::byte> out(bytes);
  std::vector<int64_t> index(layout.shape.size(), 0);
  int64_t at = layout.offset;
  for (size_t written = 0; written < bytes; written += item_size) {
    std::memcpy(out.data() + written, storage.data() + static_cast<size_t>(at) * item_size, item_size);
    for (size_t i = index.size(); i-- > 0;) {
      at += layout.strides[i];
      if (++index[i] < layout.shape[i]) break;
      at -= layout.strides[i] * layout.shape[i];
      index[i] = 0;
    }
  }
  return out;
}

class StateDictReader {
 public:
  StateDictReader(const Pickle& pickle, const std::string& where) : pickle_(pickle), where_(where) {}

  // A persistent id: ('storage', type, key, device, number of elements), before 2020 with None behind.
  TorchStorageRef storage_ref(const PickleNode& persistent) const {
    const PickleNode& id = pickle_[persistent.integer];
    const bool shaped = id.kind == Kind::kTuple && (id.items.size() == 5 || id.items.size() == 6) &&
                        item(id, 0).kind == Kind::kText && item(id, 0).text == "storage" &&
                        item(id, 1).kind == Kind::kGlobal && item(id, 2).kind == Kind::kText &&
                        item(id, 4).kind == Kind::kInteger;
    if (!shaped) refuse("a persistent id of the pickle does not name a storage");
    const std::string name = "storage " + printable(item(id, 2).text, 40);
    if (id.items.size() == 6 && item(id, 5).kind != Kind::kNone)
      refuse(name + " is a view, as before PyTorch 0.4");
    const auto dtype = storage_dtype(item(id, 1).text);
    if (!dtype) refuse(name + " has " + printable(item(id, 1).text) + " for a type");
    if (item(id, 4).integer < 0) refuse(name + " has a negative number of elements");
    return {*dtype, item(id, 2).text, item(id, 4).integer};
  }

  TorchBin read(const TorchStorages& storages, size_t copy_limit) const {
    const PickleNode& root = pickle_[pickle_.root];
    if (root.kind != Kind::kDict) refuse("the pickle holds no dict of tensors");
    TorchBin out;
    std::set<std::string_view> names;
    for (size_t i = 0; i < root.items.size(); i += 2) {
      const PickleNode& key = item(root, i);
      if (key.kind != Kind::kText || !is_valid_utf8(key.text)) refuse("a key of the state dict is no text");
      const std::string what = "tensor " + printable(key.text);
      if (!names.insert(key.text).second) refuse(what + " occurs twice");
      const Layout layout = read_layout(item(root, i + 1), what);
      out.tensors.push_back({std::string(key.text), layout.storage.dtype, layout.shape, {}});
      out.tensors.back().bytes = tensor_bytes(layout, storages, copy_limit, what, out);
    }
    return out;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kBadData, where_ + ": " + what);
  }

  const PickleNode& item(const PickleNode& node, size_t index) const { return pickle_[node.items[index]]; }

  // The arguments of _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata]),
  // which may stand inside _rebuild_parameter(tensor, requires_grad, hooks).
  const PickleNode& tensor_arguments(const PickleNode& value, const std::string& what) const {
    const PickleNode* call = &value;
    if (call->kind == Kind::kCall && call->text == kRebuildParameter &&
        !pickle_[call->integer].items.empty()) {
      call = &item(pickle_[call->integer], 0);
    }
    if (call->kind != Kind::kCall || call->text != kRebuildTensor) refuse(what + " is no tensor");
    const PickleNode& arguments = pickle_[call->integer];
    if (arguments.items.size() < 4) refuse(what + " is described by fewer than 4 values");
    return arguments;
  }

  std::vector<int64_t> read_numbers(const PickleNode& tuple, const std::string& what) const {
    if (tuple.kind != Kind::kTuple) refuse(what + " is no tuple");
    if (tuple.items.size() > kMaxRank) {
      refuse(what + " has " + std::to_string(tuple.items.size()) + " dimensions, at most 64 are allowed");
    }
    std::vector<int64_t> numbers;
    for (size_t i = 0; i < tuple.items.size(); ++i) numbers.push_back(read_number(item(tuple, i), what));
    return numbers;
  }

  int64_t read_number(const PickleNode& number, const std::string& what) const {
    if (number.kind != Kind::kInteger) refuse(what + " is no integer");
    if (number.integer < 0) refuse(what + " is negative: " + std::to_string(number.integer));
    return number.integer;
  }

  Layout read_layout(const PickleNode& value, const std::string& what) const {
    const PickleNode& arguments = tensor_arguments(value, what);
    if (item(arguments, 0).kind != Kind::kPersistent) refuse(what + " has no storage");
    Layout layout = {storage_ref(item(arguments, 0)), read_number(item(arguments, 1), what + ": the offset"),
                     read_numbers(item(arguments, 2), what + ": the shape"),
                     read_numbers(item(arguments, 3), what + ": the stride")};
    if (layout.shape.size() != layout.strides.size()) {
      refuse(what + " has " + std::to_string(layout.shape.size()) + " dimensions, but " +
             std::to_string(layout.strides.size()) + " strides");
    }
    return layout;
  }

  // The bytes of the storage, whose size must be what the pickle claims.
  std::span<const std::byte> storage_bytes(const TorchStorageRef& ref, const TorchStorages& storages,
                                           const std::string& what) const {
    const auto found = storages.find(ref.key);
    if (found == storages.end()) refuse(what + ": its storage " + printable(ref.key, 40) + " is missing");
    const auto size = checked_byte_size(ref.dtype, std::span(&ref.elements, 1));
    if (!size || *size != found->second.size()) {
      refuse(what + ": its storage " + printable(ref.key, 40) + " should hold " +
             std::to_string(ref.elements) + " " + dtype_name(ref.dtype) + ", but has " +
             std::to_string(found->second.size()) + " bytes");
    }
    return found->second;
  }

  // The bytes of a tensor in row-major order: a part of its storage, or a copy that `out` owns.
  std::span<const std::byte> tensor_bytes(const Layout& layout, const TorchStorages& storages,
                                          size_t& copy_limit, const std::string& what, TorchBin& out) const {
    const std::span<const std::byte> storage = storage_bytes(layout.storage, storages, what);
    const auto size = checked_byte_size(layout.storage.dtype, layout.shape);
    if (!size) refuse(what + ": the product of its shape " + shape_text(layout.shape) + " overflows");
    if (*size == 0) return {};
    const auto reached = elements_reached(layout);
    if (!reached || *reached > static_cast<uint64_t>(layout.storage.elements)) {
      refuse(what + ": shape " + shape_text(layout.shape) + " with stride " + shape_text(layout.strides) +
             " and offset " + std::to_string(layout.offset) + " leaves its storage of " +
             std::to_string(layout.storage.elements) + " elements");
    }
    if (is_contiguous(layout)) {
      return storage.subspan(static_cast<size_t>(layout.offset) * dtype_size(layout.storage.dtype), *size);
    }
    if (*size > copy_limit)
      refuse(what + ": shape " + shape_text(layout.shape) + " repeats more bytes than the file has");
    copy_limit -= *size;
    out.copies.push_back(std::make_shared<const std::vector<std::byte>>(gather(layout, storage, *size)));
    return *out.copies.back();
  }

  const Pickle& pickle_;
  const std::string& where_;
};

}  // namespace

std::span<const std::string_view> torch_names() { return kNames; }

std::vector<TorchStorageRef> torch_storage_refs(const Pickle& pickle, const std::string& where) {
  const StateDictReader reader(pickle, where);
  std::vector<TorchStorageRef> refs;
  for (const PickleNode& node : pickle.nodes) {
    if (node.kind == Kind::kPersistent) refs.push_back(reader.storage_ref(node));
  }
  return refs;
}

TorchBin read_torch_state_dict(const Pickle& pickle, const TorchStorages& storages, size_t copy_limit,
                               const std::string& where) {
  return StateDictReader(pickle, where).read(storages, copy_limit);
}

}  // namespace valence::formats
