// Dense products of whole matrices: every type, size and epilogue; a row's bits depend on that row alone.
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/isa_for_test.h"
#include "backend/cpu/weights_for_test.h"
#include "base/error.h"
#include "base/threads.h"

namespace valence::backend::cpu {
namespace {

struct Shape {
  int64_t rows, in, out;
};

std::string text(const Shape& s) {
  return std::to_string(s.rows) + " x " + std::to_string(s.in) + " x " + std::to_string(s.out);
}

// x as an int8 product sees it: quantized row by row.
std::vector<float> quantized_rows(const std::vector<float>& x, int64_t rows) {
  const int64_t columns = static_cast<int64_t>(x.size()) / rows;
  return StoredMatrix(x, rows, columns, Storage::kInt8).values();
}

// x [rows, in] times w [out, in] transposed, plus bias, in double precision.
std::vector<double> reference(const Shape& s, const std::vector<float>& x, const std::vector<float>& w,
                              const std::vector<float>& bias) {
  std::vector<double> y;
  for (int64_t r = 0; r < s.rows; ++r) {
    for (int64_t o = 0; o < s.out; ++o) {
      double sum = bias.empty() ? 0.0 : bias[static_cast<size_t>(o)];
      for (int64_t i = 0; i < s.in; ++i) {
        sum +=
            static_cast<double>(x[static_cast<size_t>(r * s.in + i)]) * w[static_cast<size_t>(o * s.in + i)];
      }
      y.push_back(sum);
    }
  }
  return y;
}

class LinearTest : public EachIsa {
 protected:
  std::vector<float> product(const Linear& weight, const std::vector<float>& x, int64_t rows,
                             const Epilogue& epilogue = {}, ThreadPool* pool = nullptr) const {
    Fenced<float> y(rows * weight.out_features(), 1);
    make_backend(kernels(), pool)->linear(weight, x.data(), rows, epilogue, y.data());
    EXPECT_TRUE(y.intact());
    return y.values();
  }
  std::unique_ptr<Linear> make(const MatrixSource& source, WeightType type,
                               const std::vector<float>& bias = {}) const {
    return make_backend(kernels())->make_linear(source, type, bias.empty() ? nullptr : bias.data());
  }
  std::unique_ptr<Linear> make(const Shape& s, WeightType type) const {
    const StoredMatrix matrix(normal_values(s.out * s.in, 1, 0.05f), s.out, s.in, Storage::kFp32);
    return make(matrix.source(), type, normal_values(s.out, 2));
  }
  // The weights that `weight` multiplies with, [out, in]: its products with unit vectors, which int8 holds
  // exactly.
  std::vector<float> effective(const Linear& weight) const {
    const int64_t in = weight.in_features(), out = weight.out_features();
    std::vector<float> units(static_cast<size_t>(in * in)), weights(static_cast<size_t>(in * out));
    for (int64_t i = 0; i < in; ++i) units[static_cast<size_t>(i * in + i)] = 1.0f;
    const std::vector<float> y = product(weight, units, in);
    for (int64_t i = 0; i < in * out; ++i)
      weights[static_cast<size_t>(i % out * in + i / out)] = y[static_cast<size_t>(i)];
    return weights;
  }
  // Where the ISA multiplies bf16 itself, x is rounded to bf16 too.
  float tolerance(WeightType type) const {
    return type == WeightType::kBf16 && kernels().product_bf16 ? 1e-2f : 2e-5f;
  }
};
VALENCE_FOR_EACH_ISA(LinearTest);

TEST_P(LinearTest, EveryTypeFromEveryStorage) {
  for (const Shape s :
       {Shape{1, 1, 1}, Shape{3, 64, 33}, Shape{13, 65, 7}, Shape{2, 130, 70}, Shape{7, 777, 131}}) {
    const std::vector<float> x = normal_values(s.rows * s.in, 3), bias = normal_values(s.out, 4);
    for (const Storage storage : kStorages) {
      const StoredMatrix matrix(normal_values(s.out * s.in, 5, 0.05f), s.out, s.in, storage);
      for (const WeightType type : kTypes) {
        const bool int8 = type == WeightType::kInt8;
        const std::vector<float> seen = int8 ? quantized_rows(x, s.rows) : x;
        const std::vector<float> weights =
            int8 ? effective(*make(matrix.source(), type)) : converted(matrix, type);
        const std::vector<double> expected = reference(s, seen, weights, bias);
        const std::vector<float> got = product(*make(matrix.source(), type, bias), x, s.rows);
        for (size_t i = 0; i < got.size(); ++i) {
          ASSERT_NEAR(got[i], expected[i], tolerance(type) * (1 + std::fabs(expected[i])))
              << text(s) << ", stored as " << static_cast<int>(storage) << ", as " << type_name(type)
              << " at " << i;
        }
      }
    }
  }
}

// Where sums of four weights are limited, a row's scale may be larger than its absmax / 127.
TEST_P(LinearTest, Int8WeightsAreWithinHalfAStep) {
  // And half a step of int8 itself, from which the larger scale starts.
  const float half = kernels().largest_sum16 ? 0.501f * (1 + 31.0f / 127.0f) : 0.501f;
  for (const int64_t in : {1, 3, 8, 61, 768}) {
    std::vector<float> values = normal_values(8 * in, 14, 0.05f);
    std::fill_n(values.begin(), in, 0.25f);  // a row of equals: the sums are as large as they can be
    std::fill_n(values.begin() + in, in, -0.25f);
    std::fill_n(values.begin() + 2 * in, in, 0.0f);
    for (const Storage storage : {Storage::kFp32, Storage::kInt8}) {
      const StoredMatrix matrix(values, 8, in, storage);
      const std::vector<float> exact = matrix.values(),
                               got = effective(*make(matrix.source(), WeightType::kInt8));
      for (int64_t r = 0; r < 8; ++r) {
        const auto begin = exact.begin() + r * in, end = begin + in;
        float largest = 0;
        for (auto w = begin; w < end; ++w) largest = std::max(largest, std::fabs(*w));
        // Four equal weights at most: 128 / 4 = 32 steps for the largest.
        const float step = largest / (kernels().largest_sum16 ? 31.0f : 127.0f);
        for (int64_t i = 0; i < in; ++i) {
          EXPECT_NEAR(begin[i], got[static_cast<size_t>(r * in + i)], half * step)
              << "row " << r << " of " << in;
        }
      }
    }
  }
}

TEST_P(LinearTest, BlocksOfRowsColumnsAndStepsMeet) {
  for (const Shape s :
       {Shape{97, 385, 257}, Shape{193, 1030, 60}, Shape{6, 3072, 40}, Shape{50, 1024, 300}}) {
    const std::vector<float> x = normal_values(s.rows * s.in, 6);
    const StoredMatrix matrix(normal_values(s.out * s.in, 7, 0.05f), s.out, s.in, Storage::kFp32);
    for (const WeightType type : kTypes) {
      const bool int8 = type == WeightType::kInt8;
      const std::vector<float> seen = int8 ? quantized_rows(x, s.rows) : x;
      const std::vector<float> weights =
          int8 ? effective(*make(matrix.source(), type)) : converted(matrix, type);
      const std::vector<double> expected = reference(s, seen, weights, {});
      const std::vector<float> got = product(*make(matrix.source(), type), x, s.rows);
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], expected[i], 4 * tolerance(type) * (1 + std::fabs(expected[i])))
            << text(s) << " as " << type_name(type) << " at " << i;
      }
    }
  }
}

TEST_P(LinearTest, EpilogueAddsActivatesAndAdds) {
  const Shape s{11, 48, 37};
  const std::vector<float> x = normal_values(s.rows * s.in, 8);
  const std::vector<float> addend = normal_values(s.rows * s.out, 9),
                           residual = normal_values(s.rows * s.out, 10);
  for (const WeightType type : kTypes) {
    const auto weight = make(s, type);
    const std::vector<float> plain = product(*weight, x, s.rows);
    const std::vector<float> got =
        product(*weight, x, s.rows, {Activation::kRelu, addend.data(), residual.data()});
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i], std::max(plain[i] + addend[i], 0.0f) + residual[i]) << type_name(type);
    }
  }
}

TEST_P(LinearTest, RowHasTheSameBitsAnywhere) {
  const Shape s{131, 300, 90};
  const std::vector<float> x = normal_values(s.rows * s.in, 11);
  for (const WeightType type : kTypes) {
    const auto weight = make(s, type);
    const std::vector<float> together = product(*weight, x, s.rows, {.activation = Activation::kGelu});
    for (const int64_t rows : {1, 2, 3, 5, 8, 100}) {
      for (const int64_t begin : {int64_t{0}, int64_t{17}, s.rows - rows}) {
        const std::vector<float> part(x.begin() + begin * s.in, x.begin() + (begin + rows) * s.in);
        const std::vector<float> got = product(*weight, part, rows, {.activation = Activation::kGelu});
        EXPECT_TRUE(
            same_bits(got, {together.begin() + begin * s.out, together.begin() + (begin + rows) * s.out}))
            << type_name(type) << ", " << rows << " rows from row " << begin;
      }
    }
  }
}

TEST_P(LinearTest, ThreadsChangeNoBit) {
  for (const Shape s : {Shape{1, 1030, 600}, Shape{7, 300, 400}, Shape{200, 130, 90}}) {
    const std::vector<float> x = normal_values(s.rows * s.in, 12);
    for (const WeightType type : kTypes) {
      const auto weight = make(s, type);
      const std::vector<float> alone = product(*weight, x, s.rows, {.activation = Activation::kTanh});
      for (const int threads : {2, 3, 8}) {
        ThreadPool pool(threads);
        EXPECT_TRUE(same_bits(alone, product(*weight, x, s.rows, {.activation = Activation::kTanh}, &pool)))
            << text(s) << " as " << type_name(type) << " on " << threads << " threads";
      }
    }
  }
}

TEST_P(LinearTest, WhatIsNotFiniteFillsItsRowAndNoOther) {
  const Shape s{9, 70, 40};
  for (const WeightType type : kTypes) {
    const auto weight = make(s, type);
    const std::vector<float> sound = normal_values(s.rows * s.in, 13);
    const std::vector<float> before = product(*weight, sound, s.rows);
    for (const float broken : {kNan, kInfinity}) {
      std::vector<float> x = sound;
      x[static_cast<size_t>(4 * s.in + 69)] = broken;
      const std::vector<float> after = product(*weight, x, s.rows);
      for (size_t i = 0; i < after.size(); ++i) {
        if (i / static_cast<size_t>(s.out) == 4) {
          EXPECT_FALSE(std::isfinite(after[i])) << type_name(type);
        } else {
          EXPECT_EQ(before[i], after[i]) << type_name(type);
        }
      }
    }
  }
}

TEST_P(LinearTest, LargestIntegersDoNotOverflow) {
  const Shape s{2, 4096, 3};
  for (const float sign : {1.0f, -1.0f}) {
    const std::vector<float> x(static_cast<size_t>(s.rows * s.in), 2.0f);
    const StoredMatrix matrix(std::vector<float>(static_cast<size_t>(s.out * s.in), sign * 3.0f), s.out, s.in,
                              Storage::kInt8);
    for (const float value : product(*make(matrix.source(), WeightType::kInt8), x, s.rows)) {
      EXPECT_NEAR(value, sign * 6.0f * 4096, 0.1f);
    }
  }
}

TEST_P(LinearTest, MoreInputsThanSumsHoldAreRefused) {
  const StoredMatrix matrix(std::vector<float>(65'537, 1.0f), 1, 65'537, Storage::kFp32);
  EXPECT_THROW(make(matrix.source(), WeightType::kInt8), Error);
  EXPECT_NO_THROW(make(matrix.source(), WeightType::kFp32));
}

TEST_P(LinearTest, NoRowsNoWork) {
  const auto weight = make({1, 20, 20}, WeightType::kFp32);
  EXPECT_TRUE(product(*weight, {}, 0).empty());
  EXPECT_EQ(weight->in_features(), 20);
  EXPECT_EQ(weight->out_features(), 20);
}

TEST_P(LinearTest, QuantizedWeightsAreSmaller) {
  const Shape s{1, 768, 768};
  const double fp32 = static_cast<double>(make(s, WeightType::kFp32)->bytes());
  EXPECT_LT(static_cast<double>(make(s, WeightType::kBf16)->bytes()), fp32 * 0.51);
  EXPECT_LT(static_cast<double>(make(s, WeightType::kInt8)->bytes()), fp32 * 0.26);
  EXPECT_LT(static_cast<double>(make(s, WeightType::kNf4)->bytes()), fp32 * 0.15);
}

}  // namespace
}  // namespace valence::backend::cpu
