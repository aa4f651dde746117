#include "backend/cpu/adamw.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/error.h"
#include "tensor/nf4.h"

namespace valence::backend {
namespace cpu {
namespace {

// The code nearest to a value of [-1, 1], the lower of two equally near, as the number of midpoints below the
// value. A table by the value's leading bits says how many are below all values that begin with them; at most
// two more are below the value.
class NearestCode {
 public:
  explicit NearestCode(const std::array<float, 256>& map) : map_(map) {
    for (size_t i = 0; i + 1 < map.size(); ++i) midpoints_[i] = (map[i] + map[i + 1]) / 2;
    midpoints_.back() = 2;  // above every value
    for (uint32_t lead = 0; lead < kLeads; ++lead) {
      const uint32_t bits = lead << kRest, last_bits = bits | ((1u << kRest) - 1);
      const bool negative = (bits >> 31) != 0;
      const ptrdiff_t first = below(std::bit_cast<float>(negative ? last_bits : bits));
      VALENCE_CHECK(below(std::bit_cast<float>(negative ? bits : last_bits)) <= first + 2);
      first_[lead] = static_cast<uint8_t>(first);
    }
  }
  uint8_t operator()(float value) const {
    uint32_t code = first_[std::bit_cast<uint32_t>(value) >> kRest];
    code += midpoints_[code] < value ? 1 : 0;
    code += midpoints_[code] < value ? 1 : 0;
    return static_cast<uint8_t>(code);
  }
  float value(uint8_t code) const { return map_[code]; }

 private:
  static constexpr int kRest = 17;  // bits that are not looked at: all but sign, exponent and six
  static constexpr uint32_t kLeads = 1u << (32 - kRest);

  ptrdiff_t below(float value) const {
    if (!(value >= -1)) value = -1;
    return std::lower_bound(midpoints_.begin(), midpoints_.end() - 1, value) - midpoints_.begin();
  }

  const std::array<float, 256>& map_;
  std::array<float, 256> midpoints_;
  std::array<uint8_t, kLeads> first_;
};

const NearestCode& codes(bool is_signed) {
  static const NearestCode with_sign(tensor::dynamic_map()), without(tensor::unsigned_dynamic_map());
  return is_signed ? with_sign : without;
}

float absmax(const float* values, int64_t count) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(values[i]));
  return largest;
}

// The moments of one block in fp32.
struct Block {
  float first[kMomentBlock], second[kMomentBlock];
};

void load(const NearestCode& map, const Moment8Bit& moment, int64_t count, float* values) {
  for (int64_t i = 0; i < count; ++i) values[i] = map.value(moment.codes[i]) * *moment.scales;
}

void store(const NearestCode& map, const float* values, int64_t count, const Moment8Bit& moment) {
  const float scale = absmax(values, count);
  const float inverse = scale > 0 ? 1 / scale : 0.0f;
  *moment.scales = scale;
  for (int64_t i = 0; i < count; ++i) moment.codes[i] = map(values[i] * inverse);
}

}  // namespace

void update(const AdamWFactors& f, const float* gradient, int64_t count, float* weights, float* first,
            float* second) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * f.gradient_scale;
    first[i] += (1 - f.beta1) * (g - first[i]);
    second[i] = f.beta2 * second[i] + (1 - f.beta2) * g * g;
    weights[i] = weights[i] * f.kept - f.rate * first[i] / (std::sqrt(second[i]) * f.root + f.epsilon);
  }
}

void update_8bit(const AdamWFactors& factors, const float* gradient, int64_t count, float* weights,
                 const Moment8Bit& first, const Moment8Bit& second) {
  const NearestCode &signed_codes = codes(true), &unsigned_codes = codes(false);
  Block block;
  for (int64_t at = 0; at < count; at += kMomentBlock) {
    const int64_t n = std::min(kMomentBlock, count - at), index = at / kMomentBlock;
    const Moment8Bit first_part{first.codes + at, first.scales + index};
    const Moment8Bit second_part{second.codes + at, second.scales + index};
    load(signed_codes, first_part, n, block.first);
    load(unsigned_codes, second_part, n, block.second);
    update(factors, gradient + at, n, weights + at, block.first, block.second);
    store(signed_codes, block.first, n, first_part);
    store(unsigned_codes, block.second, n, second_part);
  }
}

}  // namespace cpu

uint8_t zero_moment_code(bool is_signed) { return cpu::codes(is_signed)(0.0f); }

}  // namespace valence::backend
