// 4-bit NormalFloat with double quantization (Dettmers et al. 2023, "QLoRA"), bit for bit as bitsandbytes
// stores it: weight = codebook[nibble] * absmax[block], blocks of 64 along the row-major order, the first
// element of a pair in the high nibble. Double quantization stores absmax itself in 8 bits: blocks of 256,
// after subtracting the mean, with the dynamic 8-bit map of Dettmers 2015 (arXiv:1511.04561).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace valence::tensor {

constexpr int64_t kNf4Block = 64;
constexpr int64_t kNestedBlock = 256;

// Quantiles of the normal distribution scaled to [-1, 1], with an exact zero (QLoRA, appendix E).
extern const std::array<float, 16> kNf4Codebook;

struct Nf4Values {
  std::vector<uint8_t> packed;  // [ceil(count / 2)]
  std::vector<float> absmax;    // [ceil(count / 64)]
};

// Each value divided by its block's absmax goes to the nearest entry of the codebook.
Nf4Values quantize_nf4(std::span<const float> values);

// Elements [begin, begin + count) of the row-major order.
void dequantize_nf4(const uint8_t* packed, const float* absmax, const float* codebook, int64_t begin,
                    int64_t count, float* values);

// The signed dynamic 8-bit map, ascending; bitsandbytes' create_dynamic_map().
const std::array<float, 256>& dynamic_map();
// That of values which are not negative; create_dynamic_map(signed=False).
const std::array<float, 256>& unsigned_dynamic_map();

struct NestedAbsmax {
  std::vector<uint8_t> codes;  // [blocks]
  std::vector<float> absmax;   // [ceil(blocks / 256)]
  float offset = 0;            // mean of the absmax values
};

NestedAbsmax quantize_absmax(std::span<const float> absmax);

// absmax = map[code] * nested_absmax[block] + offset. nested_absmax has ceil(codes / 256) entries.
std::vector<float> restore_absmax(std::span<const uint8_t> codes, std::span<const float> nested_absmax,
                                  std::span<const float, 256> map, float offset);

}  // namespace valence::tensor
