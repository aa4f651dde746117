#include "tensor/floats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>

#include "tensor/goldens_for_test.h"

namespace valence::tensor {
namespace {

TEST(Floats, EveryHalfIsItsFormula) {
  for (int bits = 0; bits < 65536; ++bits) {
    const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const float sign = (bits & 0x8000) != 0 ? -1.0f : 1.0f;
    const float value = half_to_float(static_cast<uint16_t>(bits));
    if (exponent == 31 && fraction != 0) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      continue;
    }
    const double magnitude = exponent == 31  ? static_cast<double>(INFINITY)
                             : exponent == 0 ? std::ldexp(fraction, -24)
                                             : std::ldexp(1024 + fraction, exponent - 25);
    EXPECT_EQ(value, std::copysign(static_cast<float>(magnitude), sign)) << bits;
    EXPECT_EQ(std::signbit(value), sign < 0) << bits;
  }
}

TEST(Floats, HalfRoundsToNearestEven) {
  for (int bits = 0; bits < 0x7C00; ++bits) {  // each finite half, and what lies between it and the next
    const auto half = static_cast<uint16_t>(bits);
    const float value = half_to_float(half);
    const float next = bits == 0x7BFF ? 65536.0f : half_to_float(static_cast<uint16_t>(bits + 1));
    const float middle = (value + next) / 2;
    EXPECT_EQ(float_to_half(value), half);
    EXPECT_EQ(float_to_half(-value), half | 0x8000);
    EXPECT_EQ(float_to_half(middle), bits % 2 == 0 ? bits : bits + 1);
    EXPECT_EQ(float_to_half(std::nextafter(middle, 0.0f)), half);
    EXPECT_EQ(float_to_half(std::nextafter(middle, INFINITY)), bits + 1);
  }
  EXPECT_EQ(float_to_half(INFINITY), 0x7C00);
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(NAN))));
}

TEST(Floats, Bf16RoundsAsTorch) {
  GoldenFile file("bf16.bin");
  const std::vector<float> values = file.array<float>(4096);
  const std::vector<uint16_t> expected = file.array<uint16_t>(4096);
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) {
      EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(values[i]))));
    } else {
      EXPECT_EQ(float_to_bf16(values[i]), expected[i]) << values[i];
    }
  }
}

TEST(Floats, Bf16TiesGoToEvenAndOverflowToInfinity) {
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x3F808000u)), 0x3F80);  // half way, even below
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x3F818000u)), 0x3F82);  // half way, even above
  EXPECT_EQ(float_to_bf16(std::bit_cast<float>(0x7F7FFFFFu)), 0x7F80);
  EXPECT_EQ(bf16_to_float(0x3F80), 1.0f);
}

}  // namespace
}  // namespace valence::tensor
