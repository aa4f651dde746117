#include "models/weights.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "formats/json.h"
#include "tensor/floats.h"
#include "tensor/nf4.h"

namespace valence::models {
namespace {

using backend::MatrixSource;
using backend::WeightType;
using formats::DType;
using formats::Json;
using formats::TensorView;

template <typename T>
bool aligned(const TensorView& view) {
  return reinterpret_cast<uintptr_t>(view.bytes.data()) % alignof(T) == 0;
}

// Copies the elements out of a view of that type, wherever it lies.
template <typename T>
std::vector<T> elements(const TensorView& view) {
  std::vector<T> values(view.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), view.bytes.data(), values.size() * sizeof(T));
  return values;
}

// A pointer to the elements in place, or to a copy in `storage` where they are not aligned.
template <typename T>
const T* in_place(const TensorView& view, std::vector<T>& storage) {
  if (aligned<T>(view)) return reinterpret_cast<const T*>(view.bytes.data());
  storage = elements<T>(view);
  return storage.data();
}

std::vector<float> floats(const TensorView& view, const std::string& where) {
  std::vector<float> values;
  const auto convert = [&](const auto& stored, auto to_float) {
    values.resize(stored.size());
    std::transform(stored.begin(), stored.end(), values.begin(), to_float);
  };
  switch (view.dtype) {
    case DType::kF32:
      return elements<float>(view);
    case DType::kF64:
      convert(elements<double>(view), [](double value) { return static_cast<float>(value); });
      return values;
    case DType::kF16:
      convert(elements<uint16_t>(view), tensor::half_to_float);
      return values;
    case DType::kBF16:
      convert(elements<uint16_t>(view), tensor::bf16_to_float);
      return values;
    default:
      throw Error(ErrorCode::kBadData, where + ": tensor " + printable(view.name) + " has the type " +
                                           formats::dtype_name(view.dtype) +
                                           ", expected floating-point numbers");
  }
}

void check_shape(const TensorView& view, std::span<const int64_t> expected, const std::string& where) {
  if (std::ranges::equal(view.shape, expected)) return;
  throw Error(ErrorCode::kBadData, where + ": tensor " + printable(view.name) + " has the shape " +
                                       formats::shape_text(view.shape) + ", expected " +
                                       formats::shape_text(expected));
}

// target [out, in] += up [out, rank] * down [rank, in].
void add_product(const LowRank& update, int64_t out, int64_t in, float* target) {
  for (int64_t o = 0; o < out; ++o) {
    float* row = target + o * in;
    for (int64_t r = 0; r < update.rank; ++r) {
      const float scale = update.up[static_cast<size_t>(o * update.rank + r)];
      const float* down = update.down.data() + r * in;
      for (int64_t i = 0; i < in; ++i) row[i] += scale * down[i];
    }
  }
}

// The parts' updates as one: their `down` on top of each other, their `up` along a diagonal of blocks.
std::optional<LowRank> stacked_update(const std::vector<Matrix>& parts, int64_t out) {
  LowRank sum;
  for (const Matrix& part : parts) {
    if (part.update) sum.rank += part.update->rank;
  }
  if (sum.rank == 0) return std::nullopt;
  sum.up.assign(static_cast<size_t>(out * sum.rank), 0.0f);
  int64_t row = 0, first = 0;
  for (const Matrix& part : parts) {
    if (part.update) {
      const int64_t rank = part.update->rank;
      sum.down.insert(sum.down.end(), part.update->down.begin(), part.update->down.end());
      for (int64_t o = 0; o < part.source.out_features; ++o) {
        std::copy_n(part.update->up.data() + o * rank, rank, sum.up.data() + (row + o) * sum.rank + first);
      }
      first += rank;
    }
    row += part.source.out_features;
  }
  return sum;
}

template <typename T>
void append(std::vector<T>& target, const T* values, int64_t count) {
  target.insert(target.end(), values, values + count);
}

int64_t elements_of(const MatrixSource& source) { return source.out_features * source.in_features; }

bool can_stack(const std::vector<Matrix>& parts) {
  const MatrixSource& first = parts.front().source;
  return std::all_of(parts.begin(), parts.end(), [&](const Matrix& part) {
    const MatrixSource& source = part.source;
    if (source.type != first.type) return false;
    if (source.type != WeightType::kNf4) return true;
    return elements_of(source) % tensor::kNf4Block == 0 &&
           std::equal(source.codebook, source.codebook + 16, first.codebook);
  });
}

void become_fp32(Matrix& matrix, std::vector<float> values) {
  matrix.fp32 = std::move(values);
  matrix.source = {.type = WeightType::kFp32,
                   .out_features = matrix.source.out_features,
                   .in_features = matrix.source.in_features,
                   .fp32 = matrix.fp32.data()};
}

void expect_number(const Json& state, std::string_view key, int64_t expected, const std::string& where) {
  const Json* value = state.get(key);
  if (value != nullptr && value->as_int(where + ": " + std::string(key)) == expected) return;
  throw Error(ErrorCode::kBadData,
              where + ": expected the " + std::string(key) + " " + std::to_string(expected));
}

// The JSON that bitsandbytes keeps beside a 4-bit matrix.
void check_state(const Json& state, int64_t out, int64_t in, const std::string& where) {
  expect_number(state, "blocksize", tensor::kNf4Block, where);
  if (state.get("nested_offset") != nullptr)
    expect_number(state, "nested_blocksize", tensor::kNestedBlock, where);
  const Json* shape = state.get("shape");
  if (shape == nullptr) throw Error(ErrorCode::kBadData, where + ": shape is missing");
  std::vector<int64_t> stored;
  for (const Json& size : shape->as_array(where + ": shape"))
    stored.push_back(size.as_int(where + ": shape"));
  if (!std::ranges::equal(stored, std::array{out, in})) {
    throw Error(ErrorCode::kBadData, where + ": the shape is " + formats::shape_text(stored) + ", expected " +
                                         formats::shape_text(std::array{out, in}));
  }
}

}  // namespace

std::vector<float> restored(const MatrixSource& source) {
  const int64_t count = elements_of(source);
  std::vector<float> values(static_cast<size_t>(count));
  switch (source.type) {
    case WeightType::kFp32:
      std::copy_n(source.fp32, count, values.data());
      break;
    case WeightType::kBf16:
      std::transform(source.bf16, source.bf16 + count, values.data(), tensor::bf16_to_float);
      break;
    case WeightType::kInt8:
      for (int64_t k = 0; k < count; ++k) {
        values[static_cast<size_t>(k)] =
            static_cast<float>(source.int8[k]) * source.row_scales[k / source.in_features];
      }
      break;
    case WeightType::kNf4:
      tensor::dequantize_nf4(source.nf4, source.block_absmax, source.codebook, 0, count, values.data());
      break;
  }
  return values;
}

void merge_update(Matrix& matrix) {
  if (!matrix.update) return;
  std::vector<float> values = restored(matrix.source);
  add_product(*matrix.update, matrix.source.out_features, matrix.source.in_features, values.data());
  become_fp32(matrix, std::move(values));
  matrix.update.reset();
}

void round_to_nf4(Matrix& matrix) {
  if (matrix.source.type == WeightType::kNf4) return;
  std::vector<float> values = restored(matrix.source);
  const tensor::Nf4Values rounded = tensor::quantize_nf4(values);
  tensor::dequantize_nf4(rounded.packed.data(), rounded.absmax.data(), tensor::kNf4Codebook.data(), 0,
                         static_cast<int64_t>(values.size()), values.data());
  become_fp32(matrix, std::move(values));
}

Matrix stacked(std::vector<Matrix> parts) {
  Matrix whole;
  whole.source.type = parts.front().source.type;
  whole.source.in_features = parts.front().source.in_features;
  if (!can_stack(parts)) {
    for (Matrix& part : parts) become_fp32(part, restored(part.source));
    whole.source.type = WeightType::kFp32;
  }
  for (const Matrix& part : parts) {
    const MatrixSource& source = part.source;
    const int64_t count = elements_of(source);
    whole.source.out_features += source.out_features;
    if (source.type == WeightType::kFp32) append(whole.fp32, source.fp32, count);
    if (source.type == WeightType::kBf16) append(whole.bf16, source.bf16, count);
    if (source.type == WeightType::kInt8) {
      append(whole.int8, source.int8, count);
      append(whole.scales, source.row_scales, source.out_features);
    }
    if (source.type == WeightType::kNf4) {
      append(whole.nf4, source.nf4, count / 2);
      append(whole.scales, source.block_absmax, count / tensor::kNf4Block);
    }
  }
  if (whole.source.type == WeightType::kNf4) append(whole.codebook, parts.front().source.codebook, 16);
  whole.update = stacked_update(parts, whole.source.out_features);
  whole.source.fp32 = whole.fp32.data();
  whole.source.bf16 = whole.bf16.data();
  whole.source.int8 = whole.int8.data();
  whole.source.row_scales = whole.scales.data();
  whole.source.nf4 = whole.nf4.data();
  whole.source.block_absmax = whole.scales.data();
  whole.source.codebook = whole.codebook.data();
  return whole;
}

const TensorView& Weights::tensor(const std::string& name) const {
  if (adapter_ != nullptr) {
    if (const TensorView* replacement = adapter_->replacement(name)) return *replacement;
  }
  const TensorView* found = find(name);
  return found != nullptr ? *found : checkpoint_.at(name);
}

const TensorView* Weights::find(const std::string& name) const {
  if (const TensorView* found = checkpoint_.find(name)) return found;
  // The names that TensorFlow's checkpoints gave to layer norms live on in old files.
  if (name.find("LayerNorm.") != name.npos) {
    std::string old = name;
    old = old.ends_with(".weight") ? old.replace(old.size() - 6, 6, "gamma")
                                   : old.replace(old.size() - 4, 4, "beta");
    if (const TensorView* found = checkpoint_.find(old)) return found;
  }
  for (const std::string_view prefix : {"bert.", "distilbert.", "roberta."}) {
    if (name.starts_with(prefix)) return checkpoint_.find(std::string_view(name).substr(prefix.size()));
  }
  return nullptr;
}

std::vector<float> Weights::vector(const std::string& name, int64_t size) const {
  const TensorView& view = tensor(name);
  check_shape(view, std::array{size}, checkpoint_.describe());
  return floats(view, checkpoint_.describe());
}

std::vector<float> Weights::row(const std::string& name, int64_t size) const {
  const TensorView& view = tensor(name);
  check_shape(view, std::array{int64_t{1}, size}, checkpoint_.describe());
  return floats(view, checkpoint_.describe());
}

std::vector<float> Weights::bias(const std::string& module, int64_t out) const {
  std::vector<float> values = vector(module + ".bias", out);
  if (adapter_ == nullptr) return values;
  const std::optional<Lora> lora = adapter_->lora(module);
  if (!lora || lora->b_bias == nullptr) return values;
  const std::string& where = adapter_->checkpoint().describe();
  check_shape(*lora->b_bias, std::array{out}, where);
  const std::vector<float> more = floats(*lora->b_bias, where);
  for (size_t k = 0; k < values.size(); ++k) values[k] += lora->scale * more[k];
  return values;
}

int64_t Weights::rows(const std::string& module) const {
  const std::string name = module + ".weight";
  const TensorView* view = adapter_ != nullptr ? adapter_->replacement(name) : nullptr;
  if (view == nullptr) view = find(name);
  return view == nullptr || view->shape.empty() ? 0 : view->shape.front();
}

WeightType Weights::stored_type(const std::string& module) const {
  switch (tensor(module + ".weight").dtype) {
    case DType::kBF16:
      return WeightType::kBf16;
    case DType::kI8:
      return WeightType::kInt8;
    case DType::kU8:
      return WeightType::kNf4;
    default:
      return WeightType::kFp32;
  }
}

Matrix Weights::matrix(const std::string& module, int64_t out, int64_t in) const {
  Matrix matrix = stored_matrix(module, out, in);
  if (adapter_ == nullptr) return matrix;
  const std::optional<Lora> lora = adapter_->lora(module);
  if (!lora) return matrix;
  const std::string& where = adapter_->checkpoint().describe();
  const int64_t rank = lora->a->shape[0];
  check_shape(*lora->a, std::array{rank, in}, where);
  check_shape(*lora->b, std::array{out, rank}, where);
  matrix.update = LowRank{rank, floats(*lora->a, where), floats(*lora->b, where)};
  for (float& value : matrix.update->up) value *= lora->scale;
  return matrix;
}

Matrix Weights::stored_matrix(const std::string& module, int64_t out, int64_t in) const {
  const std::string name = module + ".weight";
  const TensorView& view = tensor(name);
  if (view.dtype == DType::kU8) return nf4_matrix(view, out, in);
  check_shape(view, std::array{out, in}, checkpoint_.describe());
  Matrix matrix;
  matrix.source = {.out_features = out, .in_features = in};
  if (view.dtype == DType::kF32) {
    matrix.source.fp32 = in_place(view, matrix.fp32);
  } else if (view.dtype == DType::kBF16) {
    matrix.source.type = WeightType::kBf16;
    matrix.source.bf16 = in_place(view, matrix.bf16);
  } else if (view.dtype == DType::kI8) {
    matrix.source.type = WeightType::kInt8;
    matrix.source.int8 = in_place(view, matrix.int8);
    matrix.scales = vector(name + "_scale", out);
    matrix.source.row_scales = matrix.scales.data();
  } else {
    become_fp32(matrix, floats(view, checkpoint_.describe()));
  }
  return matrix;
}

// The layout of bitsandbytes: the packed nibbles as one column, and the state beside them.
Matrix Weights::nf4_matrix(const TensorView& view, int64_t out, int64_t in) const {
  const int64_t count = out * in;
  const std::string& where = checkpoint_.describe();
  if (static_cast<int64_t>(view.bytes.size()) != (count + 1) / 2) {
    throw Error(ErrorCode::kBadData, where + ": tensor " + printable(view.name) + " has the shape " +
                                         formats::shape_text(view.shape) + " in 4 bits, expected " +
                                         formats::shape_text(std::array{(count + 1) / 2, int64_t{1}}) +
                                         " for " + formats::shape_text(std::array{out, in}));
  }
  Matrix matrix;
  matrix.source = {.type = WeightType::kNf4, .out_features = out, .in_features = in};
  matrix.source.nf4 = in_place(view, matrix.nf4);
  matrix.codebook = vector(view.name + ".quant_map", 16);
  matrix.scales = block_absmax(view.name, out, in);
  matrix.source.block_absmax = matrix.scales.data();
  matrix.source.codebook = matrix.codebook.data();
  return matrix;
}

// The scale of each block of 64, as it is or restored from its own 8 bits (double quantization).
std::vector<float> Weights::block_absmax(const std::string& name, int64_t out, int64_t in) const {
  std::string state_name = name + ".quant_state.bitsandbytes__nf4";
  if (!has(state_name)) state_name = name + ".quant_state.bitsandbytes__fp4";
  const std::string where = checkpoint_.describe() + ": " + printable(state_name);
  const TensorView& state = checkpoint_.at(state_name);
  const Json json =
      Json::parse({reinterpret_cast<const char*>(state.bytes.data()), state.bytes.size()}, where);
  check_state(json, out, in, where);
  const int64_t blocks = (out * in + tensor::kNf4Block - 1) / tensor::kNf4Block;
  const Json* offset = json.get("nested_offset");
  if (offset == nullptr) return vector(name + ".absmax", blocks);
  const TensorView& codes = checkpoint_.at(name + ".absmax");
  check_shape(codes, std::array{blocks}, checkpoint_.describe());
  if (codes.dtype != DType::kU8) {
    throw Error(ErrorCode::kBadData, checkpoint_.describe() + ": tensor " + printable(codes.name) +
                                         " has the type " + formats::dtype_name(codes.dtype) +
                                         ", expected U8");
  }
  const int64_t nested_blocks = (blocks + tensor::kNestedBlock - 1) / tensor::kNestedBlock;
  const std::vector<float> nested = vector(name + ".nested_absmax", nested_blocks);
  const std::vector<float> map = vector(name + ".nested_quant_map", 256);
  return tensor::restore_absmax(elements<uint8_t>(codes), nested,
                                std::span<const float, 256>(map.data(), 256),
                                static_cast<float>(offset->as_number(where + ": nested_offset")));
}

}  // namespace valence::models
