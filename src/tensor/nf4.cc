#include "tensor/nf4.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace valence::tensor {
namespace {

int64_t blocks_of(int64_t count, int64_t block) { return (count + block - 1) / block; }

float block_absmax(const float* values, int64_t count) {
  float absmax = 0;
  for (int64_t i = 0; i < count; ++i) absmax = std::max(absmax, std::fabs(values[i]));
  return absmax;
}

// Index of the entry of an ascending codebook that is nearest to `value`, the lower of two equally near: the
// number of midpoints between neighbours that lie below it.
template <size_t size>
class Nearest {
 public:
  explicit Nearest(const std::array<float, size>& codebook) {
    for (size_t i = 0; i + 1 < size; ++i) midpoints_[i] = (codebook[i] + codebook[i + 1]) / 2;
  }
  uint8_t operator()(float value) const {
    return static_cast<uint8_t>(std::lower_bound(midpoints_.begin(), midpoints_.end(), value) -
                                midpoints_.begin());
  }
  // The same of many values at once, without a branch: for short codebooks.
  template <size_t count>
  std::array<int32_t, count> operator()(const std::array<float, count>& values) const {
    std::array<int32_t, count> codes{};
    for (const float midpoint : midpoints_) {
      for (size_t i = 0; i < count; ++i) codes[i] += midpoint < values[i] ? 1 : 0;
    }
    return codes;
  }

 private:
  std::array<float, size - 1> midpoints_;
};

// The entry of the dynamic map for a value of [-1, 1] as bitsandbytes 0.50 looks it up: of the nearest of
// 65,536 evenly spaced values, which beside a midpoint may be the farther of two entries.
class TabledNearest {
 public:
  TabledNearest() : codes_(kValues) {
    const Nearest<256> nearest(dynamic_map());
    for (size_t i = 0; i < kValues; ++i) {
      codes_[i] = nearest(-1.0f + 2.0f * static_cast<float>(i) / static_cast<float>(kValues - 1));
    }
  }
  uint8_t operator()(float value) const {
    const float clamped = std::clamp(value, -1.0f, 1.0f);
    constexpr float kHalf = 0.5f;  // the sum is rounded to fp32 before it is cut, as there
    return codes_[static_cast<size_t>((clamped + 1.0f) * kHalf * static_cast<float>(kValues - 1) + kHalf)];
  }

 private:
  static constexpr size_t kValues = 65'536;
  std::vector<uint8_t> codes_;
};

// The values of one block as fractions of its absmax. bitsandbytes multiplies a full block by the reciprocal
// and divides the last, partial one.
float fraction_of(float value, float absmax, bool full_block) {
  const float guarded = std::max(absmax, 1e-38f);
  return std::clamp(full_block ? value * (1.0f / guarded) : value / guarded, -1.0f, 1.0f);
}

// torch.linspace(0.1, 1, count): from both ends towards the middle, each value rounded once.
std::vector<float> boundaries(int count) {
  const float first = 0.1f, last = 1.0f;
  const float step = (last - first) / static_cast<float>(count - 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    values[static_cast<size_t>(i)] = i < count / 2 ? std::fma(step, static_cast<float>(i), first)
                                                   : std::fma(-step, static_cast<float>(count - 1 - i), last);
  }
  return values;
}

// Without a sign each power of ten has twice as many fractions.
std::array<float, 256> make_dynamic_map(bool is_signed) {
  std::vector<float> values = {0.0f, 1.0f};
  for (int exponent = 0; exponent < 7; ++exponent) {
    const std::vector<float> edges = boundaries((1 << (is_signed ? exponent : exponent + 1)) + 1);
    const float power = static_cast<float>(std::pow(10.0, exponent - 6));
    for (size_t i = 0; i + 1 < edges.size(); ++i) {
      const float mean = (edges[i] + edges[i + 1]) / 2;
      values.push_back(power * mean);
      if (is_signed) values.push_back(-power * mean);
    }
  }
  VALENCE_CHECK(values.size() == 256);
  std::sort(values.begin(), values.end());
  std::array<float, 256> sorted{};
  std::copy(values.begin(), values.end(), sorted.begin());
  return sorted;
}

}  // namespace

const std::array<float, 16> kNf4Codebook = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

Nf4Values quantize_nf4(std::span<const float> values) {
  static const Nearest nearest(kNf4Codebook);
  const int64_t count = static_cast<int64_t>(values.size());
  Nf4Values result;
  result.packed.assign((values.size() + 1) / 2, 0);
  for (int64_t begin = 0; begin < count; begin += kNf4Block) {
    const int64_t size = std::min(kNf4Block, count - begin);
    const float* block = &values[static_cast<size_t>(begin)];
    const float absmax = block_absmax(block, size);
    result.absmax.push_back(absmax);
    std::array<float, kNf4Block> fractions{};  // the missing partner of an odd last element is a zero
    for (int64_t i = 0; i < size; ++i)
      fractions[static_cast<size_t>(i)] = fraction_of(block[i], absmax, size == kNf4Block);
    const std::array<int32_t, kNf4Block> codes = nearest(fractions);
    for (size_t i = 0; i < static_cast<size_t>(size); i += 2) {
      result.packed[static_cast<size_t>(begin) / 2 + i / 2] =
          static_cast<uint8_t>(codes[i] << 4 | codes[i + 1]);
    }
  }
  return result;
}

void dequantize_nf4(const uint8_t* packed, const float* absmax, const float* codebook, int64_t begin,
                    int64_t count, float* values) {
  for (int64_t i = begin; i < begin + count; ++i) {
    const uint8_t pair = packed[i / 2];
    const int code = i % 2 == 0 ? pair >> 4 : pair & 15;
    values[i - begin] = codebook[code] * absmax[i / kNf4Block];
  }
}

const std::array<float, 256>& dynamic_map() {
  static const std::array<float, 256> map = make_dynamic_map(true);
  return map;
}

const std::array<float, 256>& unsigned_dynamic_map() {
  static const std::array<float, 256> map = make_dynamic_map(false);
  return map;
}

NestedAbsmax quantize_absmax(std::span<const float> absmax) {
  NestedAbsmax result;
  double sum = 0;
  for (const float value : absmax) sum += value;
  result.offset = absmax.empty() ? 0.0f : static_cast<float>(sum / static_cast<double>(absmax.size()));
  std::vector<float> centred(absmax.begin(), absmax.end());
  for (float& value : centred) value -= result.offset;
  static const TabledNearest nearest;
  for (size_t begin = 0; begin < centred.size(); begin += kNestedBlock) {
    const size_t size = std::min(static_cast<size_t>(kNestedBlock), centred.size() - begin);
    const float largest = block_absmax(&centred[begin], static_cast<int64_t>(size));
    result.absmax.push_back(largest);
    for (size_t i = begin; i < begin + size; ++i) {
      result.codes.push_back(largest == 0 ? uint8_t{0} : nearest(centred[i] * (1.0f / largest)));
    }
  }
  return result;
}

std::vector<float> restore_absmax(std::span<const uint8_t> codes, std::span<const float> nested_absmax,
                                  std::span<const float, 256> map, float offset) {
  VALENCE_CHECK(static_cast<int64_t>(nested_absmax.size()) ==
                blocks_of(static_cast<int64_t>(codes.size()), kNestedBlock));
  std::vector<float> absmax(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    absmax[i] = map[codes[i]] * nested_absmax[i / static_cast<size_t>(kNestedBlock)] + offset;
  }
  return absmax;
}

}  // namespace valence::tensor
