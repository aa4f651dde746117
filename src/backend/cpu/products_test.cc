// Every product of every instruction set against sums in double precision.
#include <algorithm>
#include <bit>
#include <numeric>

#include "backend/cpu/isa_for_test.h"
#include "tensor/floats.h"

namespace valence::backend::cpu {
namespace {

// Left and right matrix of a product, and how one output is computed.
struct Problem {
  int64_t rows, steps, columns;
  int64_t group;             // values of a step
  std::vector<float> left;   // [rows, steps * group]
  std::vector<float> right;  // [columns, steps * group]

  double sum(int64_t row, int64_t column, double* magnitude) const {
    const int64_t depth = steps * group;
    double total = 0;
    *magnitude = 0;
    for (int64_t i = 0; i < depth; ++i) {
      const double product = static_cast<double>(left[static_cast<size_t>(row * depth + i)]) *
                             static_cast<double>(right[static_cast<size_t>(column * depth + i)]);
      total += product;
      *magnitude += std::fabs(product);
    }
    return total;
  }
};

// The value as a product's words hold it.
template <typename T>
T stored(float value, int64_t group) {
  if constexpr (std::is_same_v<T, uint16_t>) return tensor::float_to_bf16(value);
  return static_cast<T>(value + (std::is_same_v<T, uint8_t> && group == 4 ? 128.0f : 0.0f));
}

// Left [rows][stride words] and panel [steps][columns][group].
template <typename T>
std::vector<T> left_words(const Problem& p, int64_t stride) {
  std::vector<T> words(static_cast<size_t>(p.rows * stride * p.group));
  for (int64_t r = 0; r < p.rows; ++r) {
    for (int64_t i = 0; i < p.steps * p.group; ++i) {
      words[static_cast<size_t>(r * stride * p.group + i)] =
          stored<T>(p.left[static_cast<size_t>(r * p.steps * p.group + i)], p.group);
    }
  }
  return words;
}

template <typename T>
std::vector<T> panel_of(const Problem& p) {
  std::vector<T> panel(static_cast<size_t>(p.columns * p.steps * p.group));
  for (int64_t c = 0; c < p.columns; ++c) {
    for (int64_t i = 0; i < p.steps * p.group; ++i) {
      const int64_t at = (i / p.group * p.columns + c) * p.group + i % p.group;
      panel[static_cast<size_t>(at)] = stored<T>(p.right[static_cast<size_t>(c * p.steps * p.group + i)], 0);
    }
  }
  return panel;
}

// Runs `product`; what lies between the rows of c must stay as it was.
template <typename Left, typename Right>
std::vector<float> run(ProductFn product, const Problem& p, int64_t offset,
                       const std::vector<float>* resume) {
  const int64_t a_stride = p.steps + offset, c_stride = p.columns + 3;
  Fenced<Left> a(left_words<Left>(p, a_stride), offset * p.group);
  Fenced<Right> panel(panel_of<Right>(p), 0);
  Fenced<float> c(p.rows * c_stride, offset);
  for (int64_t i = 0; i < p.rows * c_stride; ++i) c[i] = -77.0f;
  for (int64_t i = 0; resume && i < p.rows * p.columns; ++i) {
    c[i / p.columns * c_stride + i % p.columns] = (*resume)[static_cast<size_t>(i)];
  }
  Tile tile;
  tile.a = a.data();
  tile.a_stride = a_stride;
  tile.panel = panel.data();
  tile.steps = p.steps;
  tile.c = c.data();
  tile.c_stride = c_stride;
  tile.resume = resume != nullptr;
  product(static_cast<int>(p.rows), tile);
  EXPECT_TRUE(c.intact());
  std::vector<float> out;
  for (int64_t r = 0; r < p.rows; ++r) {
    for (int64_t i = 0; i < c_stride; ++i) {
      if (i < p.columns) {
        out.push_back(c[r * c_stride + i]);
      } else {
        EXPECT_EQ(c[r * c_stride + i], -77.0f) << "row " << r << " was written behind its last column";
      }
    }
  }
  return out;
}

Problem float_problem(const Kernels& k, int64_t rows, int64_t steps, int64_t group) {
  Problem p{rows, steps, k.columns, group, {}, {}};
  p.left = normal_values(rows * steps * group, 1);
  p.right = normal_values(k.columns * steps * group, 2);
  return p;
}

void expect_sums(const Problem& p, const std::vector<float>& c, const std::vector<float>* start) {
  for (int64_t r = 0; r < p.rows; ++r) {
    for (int64_t j = 0; j < p.columns; ++j) {
      const size_t at = static_cast<size_t>(r * p.columns + j);
      double magnitude = 0;
      const double sum = p.sum(r, j, &magnitude) + (start ? (*start)[at] : 0.0);
      const double tolerance =
          1e-6 * (magnitude + std::fabs(sum)) * std::sqrt(static_cast<double>(p.steps + 1));
      EXPECT_NEAR(c[at], sum, tolerance) << "row " << r << " column " << j << " of " << p.steps << " steps";
    }
  }
}

// All of a few vectors or tiles of rows, and the most.
std::vector<int64_t> row_counts(const Kernels& k) {
  std::vector<int64_t> counts(static_cast<size_t>(std::min(k.rows, 34)));
  std::iota(counts.begin(), counts.end(), 1);
  if (k.rows > 34) counts.push_back(k.rows);
  return counts;
}

class Products : public EachIsa {};
VALENCE_FOR_EACH_ISA(Products);

TEST_P(Products, Fp32AtEverySizeAndOffset) {
  for (const int64_t rows : row_counts(kernels())) {
    for (const int64_t steps : {0, 1, 2, 3, 7, 8, 9, 16, 33, 100}) {
      const Problem p = float_problem(kernels(), rows, steps, 1);
      const std::vector<float> start = normal_values(rows * p.columns, 3);
      for (const int64_t offset : {0, 1, 5}) {
        expect_sums(p, run<float, float>(kernels().product_fp32, p, offset, nullptr), nullptr);
        expect_sums(p, run<float, float>(kernels().product_fp32, p, offset, &start), &start);
      }
    }
  }
}

// The sums of a transposed left matrix are those of the plain one, bit for bit.
TEST_P(Products, Fp32TurnedIsTheSameProduct) {
  for (const int64_t rows : row_counts(kernels())) {
    for (const int64_t steps : {0, 1, 3, 8, 33}) {
      const Problem p = float_problem(kernels(), rows, steps, 1);
      const std::vector<float> expected = run<float, float>(kernels().product_fp32, p, 0, nullptr);
      const int64_t stride = rows + 5;
      std::vector<float> turned(static_cast<size_t>((steps + 1) * stride), std::nanf(""));
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t step = 0; step < steps; ++step)
          turned[static_cast<size_t>(step * stride + r)] = p.left[static_cast<size_t>(r * steps + step)];
      }
      const std::vector<float> panel = panel_of<float>(p);
      std::vector<float> c(expected.size());
      Tile tile;
      tile.a = turned.data();
      tile.a_stride = stride;
      tile.panel = panel.data();
      tile.steps = steps;
      tile.c = c.data();
      tile.c_stride = p.columns;
      kernels().product_turned_fp32(static_cast<int>(rows), tile);
      EXPECT_EQ(c, expected) << rows << " rows, " << steps << " steps";
    }
  }
}

TEST_P(Products, Fp32RowHasTheSameBitsInEveryTile) {
  const Problem all = float_problem(kernels(), kernels().rows, 77, 1);
  const std::vector<float> together = run<float, float>(kernels().product_fp32, all, 0, nullptr);
  for (int64_t r = 0; r < all.rows; ++r) {
    Problem one = all;
    one.rows = 1;
    one.left.assign(all.left.begin() + r * all.steps, all.left.begin() + (r + 1) * all.steps);
    const std::vector<float> alone = run<float, float>(kernels().product_fp32, one, 3, nullptr);
    EXPECT_TRUE(
        same_bits(alone, {together.begin() + r * all.columns, together.begin() + (r + 1) * all.columns}));
  }
}

TEST_P(Products, Bf16RowHasTheSameBitsInEveryTile) {
  if (!kernels().product_bf16) GTEST_SKIP() << GetParam() << " expands bf16 and multiplies it as fp32";
  const Problem all = float_problem(kernels(), kernels().rows, 77, 2);
  const std::vector<float> together = run<uint16_t, uint16_t>(kernels().product_bf16, all, 0, nullptr);
  for (int64_t r = 0; r < all.rows; ++r) {
    Problem one = all;
    one.rows = 1;
    const int64_t depth = all.steps * all.group;
    one.left.assign(all.left.begin() + r * depth, all.left.begin() + (r + 1) * depth);
    const std::vector<float> alone = run<uint16_t, uint16_t>(kernels().product_bf16, one, 3, nullptr);
    EXPECT_TRUE(
        same_bits(alone, {together.begin() + r * all.columns, together.begin() + (r + 1) * all.columns}));
  }
}

TEST_P(Products, WhatIsNotFiniteStaysInItsRow) {
  Problem p = float_problem(kernels(), kernels().rows, 9, 1);
  const std::vector<float> before = run<float, float>(kernels().product_fp32, p, 0, nullptr);
  p.left[static_cast<size_t>((p.rows - 1) * p.steps + 4)] = kNan;
  const std::vector<float> after = run<float, float>(kernels().product_fp32, p, 0, nullptr);
  for (size_t i = 0; i < after.size(); ++i) {
    if (i / static_cast<size_t>(p.columns) + 1 == static_cast<size_t>(p.rows)) {
      EXPECT_TRUE(std::isnan(after[i]));
    } else {
      EXPECT_EQ(before[i], after[i]);
    }
  }
  p.left[static_cast<size_t>((p.rows - 1) * p.steps + 4)] = kInfinity;
  EXPECT_TRUE(std::isinf(run<float, float>(kernels().product_fp32, p, 0, nullptr).back()));
}

enum class Int8Kind { kLargest, kEnds, kAll };

// Left values -127 to 127; weights as large as the kernel allows: it may limit the sums of four.
Problem int8_problem(const Kernels& k, int64_t rows, int64_t steps, Int8Kind kind) {
  Problem p{rows, steps, k.columns, 4, {}, {}};
  std::mt19937 random(static_cast<uint32_t>(rows * 1000 + steps));
  const int most = k.largest_sum16 ? kSum16 / 4 : 127;
  const auto value = [&](int limit) {
    if (kind == Int8Kind::kLargest) return static_cast<float>(limit);
    if (kind == Int8Kind::kEnds) return static_cast<float>(random() % 2 ? limit : -limit);
    return static_cast<float>(static_cast<int>(random() % static_cast<uint32_t>(2 * limit + 1)) - limit);
  };
  p.left.resize(static_cast<size_t>(rows * steps * p.group));
  p.right.resize(static_cast<size_t>(k.columns * steps * p.group));
  for (float& v : p.left) v = value(127);
  for (float& v : p.right) v = value(most);
  // The whole limit on one of the four, in the even columns.
  for (size_t i = 0; i < p.right.size() && k.largest_sum16; ++i) {
    const size_t depth = static_cast<size_t>(steps * p.group), at = i % depth;
    if (i / depth % 2 == 0)
      p.right[i] = at % 8 < 2 && at % 2 == at / 8 % 2 ? (p.right[i] < 0 ? -127.0f : 127.0f) : 0.0f;
  }
  return p;
}

// The integers of an int8 product, uint8 = int8 + 128 on the left.
int64_t expected_int8(const Problem& p, int64_t row, int64_t column) {
  const int64_t depth = p.steps * p.group;
  int64_t total = 0;
  for (int64_t i = 0; i < depth; ++i) {
    total += (static_cast<int64_t>(p.left[static_cast<size_t>(row * depth + i)]) + 128) *
             static_cast<int64_t>(p.right[static_cast<size_t>(column * depth + i)]);
  }
  return total;
}

TEST_P(Products, Int8IsExact) {
  for (const int64_t rows : row_counts(kernels())) {
    for (const int64_t steps : {0, 1, 2, 3, 7, 16, 33, 300}) {
      for (const Int8Kind kind : {Int8Kind::kLargest, Int8Kind::kEnds, Int8Kind::kAll}) {
        const Problem p = int8_problem(kernels(), rows, steps, kind);
        std::vector<float> start(static_cast<size_t>(rows * p.columns),
                                 std::bit_cast<float>(int32_t{-12345}));
        const auto fresh = run<uint8_t, int8_t>(kernels().product_int8, p, 1, nullptr);
        const auto resumed = run<uint8_t, int8_t>(kernels().product_int8, p, 0, &start);
        for (int64_t i = 0; i < rows * p.columns; ++i) {
          const int64_t expected = expected_int8(p, i / p.columns, i % p.columns);
          ASSERT_EQ(std::bit_cast<int32_t>(fresh[static_cast<size_t>(i)]), expected);
          ASSERT_EQ(std::bit_cast<int32_t>(resumed[static_cast<size_t>(i)]), expected - 12345);
        }
      }
    }
  }
}

TEST_P(Products, LargestSumOfFourWeightsIsThatOfTheFormula) {
  if (kernels().largest_sum16 == nullptr) GTEST_SKIP() << GetParam() << " sums in 32 bits";
  std::mt19937 random(3);
  for (const size_t count : {0, 32, 64, 800}) {
    for (int round = 0; round < 50; ++round) {
      std::vector<int8_t> values(count);
      for (int8_t& v : values) v = static_cast<int8_t>(static_cast<int>(random() % 256) - 128);
      int expected = 0;
      for (size_t i = 0; i < count; i += i % 8 == 2 ? 6 : 2) {  // two weights of a step, two of the next one
        int positive = 0, negative = 0;
        for (const size_t k : {i, i + 1, i + 4, i + 5}) (values[k] > 0 ? positive : negative) += values[k];
        expected = std::max({expected, positive, -negative});
      }
      EXPECT_EQ(kernels().largest_sum16(values.data(), static_cast<int64_t>(count)), expected);
    }
  }
}

TEST_P(Products, Bf16AtEverySizeAndOffset) {
  if (!kernels().product_bf16) GTEST_SKIP() << GetParam() << " expands bf16 and multiplies it as fp32";
  for (const int64_t rows : row_counts(kernels())) {
    for (const int64_t steps : {0, 1, 2, 3, 8, 16, 33, 100}) {
      Problem p = float_problem(kernels(), rows, steps, 2);
      for (auto* values : {&p.left, &p.right}) {
        for (float& v : *values) v = tensor::bf16_to_float(tensor::float_to_bf16(v));
      }
      const std::vector<float> start = normal_values(rows * p.columns, 3);
      for (const int64_t offset : {0, 1, 5}) {
        expect_sums(p, run<uint16_t, uint16_t>(kernels().product_bf16, p, offset, nullptr), nullptr);
        expect_sums(p, run<uint16_t, uint16_t>(kernels().product_bf16, p, offset, &start), &start);
      }
    }
  }
}

}  // namespace
}  // namespace valence::backend::cpu
