#include "tensor/int8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace valence::tensor {
namespace {

TEST(Int8, ErrorIsAtMostHalfAStep) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.05f);
  const int64_t rows = 7, columns = 61;
  std::vector<float> values(rows * columns), scales(rows);
  for (float& v : values) v = normal(random);
  std::vector<int8_t> quantized(values.size());
  quantize_rows_int8(values.data(), rows, columns, quantized.data(), scales.data());
  for (int64_t r = 0; r < rows; ++r) {
    int largest = 0;
    for (int64_t c = 0; c < columns; ++c) {
      const size_t i = static_cast<size_t>(r * columns + c);
      EXPECT_NEAR(quantized[i] * scales[r], values[i], scales[r] * 0.5001f);
      largest = std::max(largest, std::abs(static_cast<int>(quantized[i])));
    }
    EXPECT_EQ(largest, 127);
  }
}

TEST(Int8, ZerosTinyAndBrokenRows) {
  int8_t q[3] = {9, 9, 9};
  const float zeros[3] = {0, -0.0f, 0}, tiny[3] = {1e-40f, 0, -1e-40f};
  const float nan[3] = {1, NAN, 2}, infinite[3] = {1, -INFINITY, 2};
  EXPECT_EQ(quantize_row_int8(zeros, 3, q), 0.0f);
  EXPECT_EQ(q[0], 0);
  EXPECT_EQ(quantize_row_int8(tiny, 3, q), 0.0f);
  EXPECT_TRUE(std::isnan(quantize_row_int8(nan, 3, q)));
  EXPECT_TRUE(std::isnan(quantize_row_int8(infinite, 3, q)));
  EXPECT_EQ(q[2], 0);
}

TEST(Int8, ExtremesUseTheWholeRange) {
  const float values[4] = {3e38f, -3e38f, 0, 1.5e38f};
  int8_t q[4];
  const float scale = quantize_row_int8(values, 4, q);
  EXPECT_EQ(q[0], 127);
  EXPECT_EQ(q[1], -127);
  EXPECT_EQ(q[2], 0);
  EXPECT_EQ(q[3], 64);  // 63.5 goes to the even neighbour
  EXPECT_FLOAT_EQ(scale, 3e38f / 127);
}

}  // namespace
}  // namespace valence::tensor
