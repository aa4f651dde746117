#include "formats/safetensors_writer.h"

#include <algorithm>

#include "base/error.h"
#include "formats/json.h"

namespace valence::formats {
namespace {

// The rank of dtypes in the reference implementation's order, used between types of one width too.
int alignment_rank(DType dtype) {
  switch (dtype) {
    case DType::kI64:
      return 0;
    case DType::kF64:
      return 1;
    case DType::kF32:
      return 2;
    case DType::kI32:
      return 3;
    case DType::kBF16:
      return 4;
    case DType::kF16:
      return 5;
    case DType::kI16:
      return 6;
    case DType::kI8:
      return 7;
    case DType::kU8:
      return 8;
    case DType::kBool:
      return 9;
  }
  return 10;
}

std::vector<TensorSpec> sorted(std::vector<TensorSpec> tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorSpec& a, const TensorSpec& b) {
    return std::pair(alignment_rank(a.dtype), std::string_view(a.name)) <
           std::pair(alignment_rank(b.dtype), std::string_view(b.name));
  });
  return tensors;
}

std::string header_entry(const TensorSpec& tensor, uint64_t begin, uint64_t end) {
  std::string shape, text;
  for (const int64_t dimension : tensor.shape) {
    if (!shape.empty()) shape += ',';
    shape += std::to_string(dimension);
  }
  append_json_string(text, tensor.name);
  text.append(":{\"dtype\":\"").append(dtype_name(tensor.dtype)).append("\",\"shape\":[").append(shape);
  text.append("],\"data_offsets\":[").append(std::to_string(begin)).append(",").append(std::to_string(end));
  return text + "]}";
}

std::string metadata_entry(const std::map<std::string, std::string>& metadata) {
  std::string text = "\"__metadata__\":{";
  for (const auto& [key, value] : metadata) {
    if (text.back() != '{') text += ',';
    append_json_string(text, key);
    text += ':';
    append_json_string(text, value);
  }
  return text + "}";
}

void check_names(const std::vector<TensorSpec>& tensors) {
  std::vector<std::string_view> names;
  for (const TensorSpec& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) throw Error(ErrorCode::kBadData, "tensor " + printable(*twice) + " occurs twice");
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : order_(sorted(std::move(tensors))), file_(path) {
  check_names(order_);
  std::string header = "{";
  if (!metadata.empty()) header += metadata_entry(metadata);
  for (const TensorSpec& tensor : order_) {
    const auto size = checked_byte_size(tensor.dtype, tensor.shape);
    uint64_t end = 0;
    if (!size || __builtin_add_overflow(expected_, *size, &end)) {
      throw Error(ErrorCode::kBadData, "tensor " + printable(tensor.name) + ": the shape " +
                                           shape_text(tensor.shape) + " overflows");
    }
    if (header.size() > 1) header += ',';
    header += header_entry(tensor, expected_, end);
    expected_ = end;
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(header);
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  written_ += bytes.size();
  VALENCE_CHECK(written_ <= expected_);
  file_.write(bytes);
}

void SafetensorsWriter::commit() {
  VALENCE_CHECK(written_ == expected_);
  file_.commit();
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorSpec> specs;
  std::map<std::string_view, const TensorView*> by_name;
  for (const TensorView& tensor : tensors) {
    VALENCE_CHECK(checked_byte_size(tensor.dtype, tensor.shape) == tensor.bytes.size());
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
    by_name[tensor.name] = &tensor;
  }
  SafetensorsWriter writer(path, std::move(specs), metadata);
  for (const TensorSpec& spec : writer.order()) writer.write(by_name.at(spec.name)->bytes);
  writer.commit();
}

}  // namespace valence::formats
