#include "formats/safetensors.h"

#include <algorithm>

#include "base/error.h"
#include "formats/json.h"
#include "formats/little_endian.h"

namespace valence::formats {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeader = 100'000'000;  // the limit of the reference implementation
constexpr size_t kMaxRank = 64;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadData, where + ": " + what);
}

std::string_view header_text(std::span<const std::byte> file, const std::string& where) {
  if (file.size() < kLengthBytes) {
    refuse(where, "the file has " + std::to_string(file.size()) +
                      " bytes, a safetensors file begins with 8 bytes of header length");
  }
  const auto length = load_little_endian<uint64_t>(file, 0);
  if (length > kMaxHeader) {
    refuse(where, "the header claims " + std::to_string(length) + " bytes, at most 100 MB are allowed");
  }
  if (length > file.size() - kLengthBytes) {
    refuse(where, "the header claims " + std::to_string(length) + " bytes, but the file has " +
                      std::to_string(file.size()) + ": it is cut or no safetensors file");
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  if (text.empty() || text.front() != '{') refuse(where, "the header does not begin with {");
  return text;
}

// A value that is an exact integer, 0 or more.
int64_t read_count(const Json& value, const std::string& what) {
  if (!value.is_int()) {
    throw Error(ErrorCode::kBadData,
                what + ": expected an integer of 63 bits, got " + std::string(value.type_name()));
  }
  const int64_t count = value.as_int(what);
  if (count < 0) throw Error(ErrorCode::kBadData, what + ": " + std::to_string(count) + " is negative");
  return count;
}

const Json& member(const Json& entry, const char* key, const std::string& what) {
  const Json* value = entry.find(key);
  if (!value) throw Error(ErrorCode::kBadData, what + ": " + key + " is missing");
  return *value;
}

struct Range {
  uint64_t begin, end;
};

Range read_offsets(const Json& entry, const std::string& what) {
  const Json::Array& offsets = member(entry, "data_offsets", what).as_array(what + ": data_offsets");
  if (offsets.size() != 2) {
    throw Error(ErrorCode::kBadData,
                what + ": data_offsets: expected 2 numbers, got " + std::to_string(offsets.size()));
  }
  const Range range = {static_cast<uint64_t>(read_count(offsets[0], what + ": data_offsets")),
                       static_cast<uint64_t>(read_count(offsets[1], what + ": data_offsets"))};
  if (range.begin > range.end) throw Error(ErrorCode::kBadData, what + ": data_offsets are reversed");
  return range;
}

// One entry of the header; `data` is everything behind the header.
TensorView read_entry(const std::string& name, const Json& entry, std::span<const std::byte> data,
                      const std::string& what) {
  entry.as_object(what);
  TensorView tensor;
  tensor.name = name;
  const std::string& dtype = member(entry, "dtype", what).as_string(what + ": dtype");
  const auto known = dtype_of_name(dtype);
  if (!known) throw Error(ErrorCode::kBadData, what + ": unknown dtype \"" + printable(dtype, 20) + "\"");
  tensor.dtype = *known;
  const Json::Array& shape = member(entry, "shape", what).as_array(what + ": shape");
  if (shape.size() > kMaxRank) {
    throw Error(ErrorCode::kBadData,
                what + " has " + std::to_string(shape.size()) + " dimensions, at most 64 are allowed");
  }
  for (const Json& dimension : shape) tensor.shape.push_back(read_count(dimension, what + ": shape"));
  const auto size = checked_byte_size(tensor.dtype, tensor.shape);
  if (!size)
    throw Error(ErrorCode::kBadData,
                what + ": the product of its shape " + shape_text(tensor.shape) + " overflows");
  const Range range = read_offsets(entry, what);
  if (range.end - range.begin != *size) {
    throw Error(ErrorCode::kBadData, what + ": " + dtype + " " + shape_text(tensor.shape) + " needs " +
                                         std::to_string(*size) + " bytes, data_offsets give " +
                                         std::to_string(range.end - range.begin));
  }
  if (range.end > data.size()) {
    throw Error(ErrorCode::kBadData, what + ": its bytes end at " + std::to_string(range.end) +
                                         ", but the file holds " + std::to_string(data.size()) +
                                         " bytes of data: it is cut or was not written to its end");
  }
  tensor.bytes = data.subspan(range.begin, range.end - range.begin);
  return tensor;
}

void read_metadata(const Json& value, const std::string& where,
                   std::map<std::string, std::string>& metadata) {
  for (const auto& [key, text] : value.as_object(where + ": __metadata__")) {
    metadata[key] = text.as_string(where + ": __metadata__: " + printable(key));
  }
}

// Every byte of the data belongs to exactly one tensor. `tensors` are sorted by their begin.
void check_coverage(const std::vector<TensorView>& tensors, std::span<const std::byte> data,
                    const std::string& where) {
  const std::byte* expected = data.data();
  const TensorView* previous = nullptr;
  for (const TensorView& tensor : tensors) {
    const std::string name = "tensor " + printable(tensor.name);
    if (tensor.bytes.data() < expected) {
      refuse(where, name + " shares bytes with tensor " + printable(previous->name));
    }
    if (tensor.bytes.data() > expected) {
      refuse(where, std::to_string(tensor.bytes.data() - expected) + " bytes before " + name +
                        " belong to no tensor");
    }
    expected += tensor.bytes.size();
    previous = &tensor;
  }
  const std::byte* end = data.data() + data.size();
  if (expected != end) {
    refuse(where, std::to_string(end - expected) + " bytes after the last tensor belong to none");
  }
}

}  // namespace

Safetensors read_safetensors(std::span<const std::byte> file, const std::string& where) {
  const std::string_view text = header_text(file, where);
  const Json header = Json::parse(text, where + ": the header");
  const std::span<const std::byte> data = file.subspan(kLengthBytes + text.size());
  Safetensors out;
  for (const auto& [name, entry] : header.as_object(where + ": the header")) {
    if (name == "__metadata__") {
      read_metadata(entry, where, out.metadata);
    } else {
      out.tensors.push_back(read_entry(name, entry, data, where + ": tensor " + printable(name)));
    }
  }
  std::sort(out.tensors.begin(), out.tensors.end(), [](const TensorView& a, const TensorView& b) {
    return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
  });
  check_coverage(out.tensors, data, where);
  return out;
}

}  // namespace valence::formats
