#include "tensor/nf4.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/goldens_for_test.h"

namespace valence::tensor {
namespace {

TEST(Nf4, DynamicMapIsThatOfBitsandbytes) {
  const std::vector<float> expected = GoldenFile("dynamic_map.bin").array<float>(256);
  for (size_t i = 0; i < 256; ++i) EXPECT_EQ(dynamic_map()[i], expected[i]) << i;
}

class Nf4Golden : public testing::TestWithParam<const char*> {};

TEST_P(Nf4Golden, EqualsBitsandbytesBitForBit) {
  GoldenFile file(GetParam());
  const std::vector<int32_t> sizes = file.array<int32_t>(3);
  const size_t count = static_cast<size_t>(sizes[0]), blocks = static_cast<size_t>(sizes[1]);
  const std::vector<float> values = file.array<float>(count);
  const std::vector<uint8_t> packed = file.array<uint8_t>((count + 1) / 2);
  const std::vector<float> absmax = file.array<float>(blocks);
  const std::vector<uint8_t> codes = file.array<uint8_t>(blocks);
  const std::vector<float> nested = file.array<float>(static_cast<size_t>(sizes[2]));
  const float offset = file.array<float>(1)[0];
  const std::vector<float> restored = file.array<float>(blocks);
  const std::vector<float> weights = file.array<float>(count);

  const Nf4Values ours = quantize_nf4(values);
  EXPECT_EQ(ours.packed, packed);
  EXPECT_EQ(ours.absmax, absmax);
  EXPECT_EQ(restore_absmax(codes, nested, dynamic_map(), offset), restored);
  std::vector<float> dequantized(count);
  dequantize_nf4(packed.data(), restored.data(), kNf4Codebook.data(), 0, static_cast<int64_t>(count),
                 dequantized.data());
  EXPECT_EQ(dequantized, weights);

  const NestedAbsmax again = quantize_absmax(absmax);
  // torch sums the mean in an order of its own: the last bit of the offset is free, no more.
  EXPECT_NEAR(again.offset, offset, std::fabs(offset) * 2e-7f);
  EXPECT_EQ(again.codes, codes);
  ASSERT_EQ(again.absmax.size(), nested.size());
  for (size_t i = 0; i < nested.size(); ++i) EXPECT_NEAR(again.absmax[i], nested[i], nested[i] * 1e-6f);
}

INSTANTIATE_TEST_SUITE_P(Files, Nf4Golden,
                         testing::Values("nf4_normal.bin", "nf4_edges.bin", "nf4_partial.bin"));

TEST(Nf4, AnyRangeDequantizesAlone) {
  std::vector<float> values(201);
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i)) * 0.1f;
  const Nf4Values q = quantize_nf4(values);
  std::vector<float> all(values.size()), part(50);
  dequantize_nf4(q.packed.data(), q.absmax.data(), kNf4Codebook.data(), 0, 201, all.data());
  for (int64_t begin = 0; begin <= 151; ++begin) {
    dequantize_nf4(q.packed.data(), q.absmax.data(), kNf4Codebook.data(), begin, 50, part.data());
    EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + begin)) << begin;
  }
}

}  // namespace
}  // namespace valence::tensor
