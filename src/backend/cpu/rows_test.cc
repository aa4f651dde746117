// Every kernel on rows of every instruction set against the scalar one, which says what the formula says.
#include <functional>

#include "backend/cpu/isa_for_test.h"
#include "backend/dropout_hash.h"
#include "tensor/floats.h"
#include "tensor/int8.h"

namespace valence::backend::cpu {
namespace {

class Rows : public EachIsa {
 protected:
  // Up to twice the vector plus one, and what the unrolled loops of four vectors see.
  std::vector<int64_t> counts() const {
    std::vector<int64_t> counts;
    for (int64_t count = 1; count <= 2 * kernels().columns + 1; ++count) counts.push_back(count);
    for (const int64_t count : {127, 128, 129, 384, 769}) counts.push_back(count);
    return counts;
  }
};
VALENCE_FOR_EACH_ISA(Rows);

// Values with every extreme of extreme_values() somewhere.
std::vector<float> with_extremes(int64_t count, uint32_t seed) {
  std::vector<float> values = normal_values(count, seed, 3.0f);
  const std::vector<float> extremes = extreme_values();
  for (size_t i = 0; i < values.size(); ++i) {
    if (i % 3 == 1) values[i] = extremes[(i / 3 + seed) % extremes.size()];
  }
  return values;
}

struct FinishCase {
  int rows;
  int64_t count;
  Activation activation;
  bool bias, addend, residual;
};

std::vector<float> finished(const Kernels& k, const FinishCase& c, bool extremes, int64_t offset) {
  const int64_t stride = c.count + 3, size = c.rows * stride;
  const auto values = [&](uint32_t seed) {
    return extremes ? with_extremes(size, seed) : normal_values(size, seed, 3.0f);
  };
  Fenced<float> y(values(1), offset), bias(values(2), offset), addend(values(3), 1),
      residual(values(4), offset);
  Finish f;
  f.y = y.data();
  f.stride = stride;
  f.rows = c.rows;
  f.count = c.count;
  f.activation = c.activation;
  f.bias = c.bias ? bias.data() : nullptr;
  f.addend = c.addend ? addend.data() : nullptr;
  f.residual = c.residual ? residual.data() : nullptr;
  k.finish(f);
  EXPECT_TRUE(y.intact());
  return y.values();
}

TEST_P(Rows, FinishAppliesBiasAddendActivationAndResidual) {
  for (const int64_t count : counts()) {
    for (const Activation activation : {Activation::kNone, Activation::kGelu, Activation::kGeluTanh,
                                        Activation::kRelu, Activation::kTanh, Activation::kSilu}) {
      for (int parts = 0; parts < 8; ++parts) {
        const FinishCase c{1 + parts % 3,    count,           activation, (parts & 1) != 0,
                           (parts & 2) != 0, (parts & 4) != 0};
        for (const bool extremes : {false, true}) {
          const auto expected = finished(scalar_kernels(), c, extremes, 0),
                     got = finished(kernels(), c, extremes, 3);
          for (size_t i = 0; i < got.size(); ++i) {
            expect_close(expected[i], got[i], 2e-6f, 1e-6f,
                         "count " + std::to_string(count) + " activation " +
                             std::to_string(static_cast<int>(activation)) + " at " + std::to_string(i));
          }
        }
      }
    }
  }
}

TEST_P(Rows, FinishOfIntegersHasTheSameBitsEverywhere) {
  for (const int64_t count : counts()) {
    const int rows = 2;
    std::vector<float> sums(static_cast<size_t>(rows * count));
    std::vector<int32_t> compensation(static_cast<size_t>(count));
    for (size_t i = 0; i < sums.size(); ++i) {
      const int32_t value = static_cast<int32_t>(i * 7919 % 100'000) * (i % 2 ? 151 : -151);
      std::memcpy(&sums[i], &value, sizeof value);
      compensation[i % compensation.size()] = static_cast<int32_t>(i * 31) - 500;
    }
    const std::vector<float> column_scales = normal_values(count, 5, 0.01f), bias = normal_values(count, 6);
    const float row_scales[rows] = {0.013f, kNan};
    const auto result = [&](const Kernels& k, int64_t offset) {
      Fenced<float> y(sums, offset);
      Finish f;
      f.y = y.data();
      f.stride = count;
      f.rows = rows;
      f.count = count;
      f.bias = bias.data();
      f.row_scales = row_scales;
      f.column_scales = column_scales.data();
      f.compensation = compensation.data();
      k.finish(f);
      EXPECT_TRUE(y.intact());
      return y.values();
    };
    const std::vector<float> expected = result(scalar_kernels(), 0), got = result(kernels(), 1);
    for (int64_t i = 0; i < count; ++i) {
      EXPECT_EQ(expected[static_cast<size_t>(i)], got[static_cast<size_t>(i)]);
      EXPECT_TRUE(std::isnan(got[static_cast<size_t>(count + i)])) << "a scale of NaN must show";
    }
  }
}

TEST_P(Rows, ActivationsAreWithin1e6OfTheirFormulas) {
  std::vector<float> x;
  for (float value = -12.0f; value <= 12.0f; value += 0.00097f) x.push_back(value);
  const auto check = [&](Activation activation, const std::function<double(double)>& formula,
                         double tolerance) {
    std::vector<float> y = x;
    Finish f;
    f.y = y.data();
    f.rows = 1;
    f.count = f.stride = static_cast<int64_t>(y.size());
    f.activation = activation;
    kernels().finish(f);
    for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y[i], formula(x[i]), tolerance) << "x = " << x[i];
  };
  check(Activation::kGelu, [](double v) { return 0.5 * v * (1 + std::erf(v * M_SQRT1_2)); }, 1e-6);
  check(Activation::kTanh, [](double v) { return std::tanh(v); }, 1e-6);
  check(Activation::kSilu, [](double v) { return v / (1 + std::exp(-v)); }, 4e-6);
  check(
      Activation::kGeluTanh,
      [](double v) { return 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))); },
      1e-6);
}

void expect_quantized(const Kernels& k, const std::vector<float>& x, int64_t offset) {
  const int64_t count = static_cast<int64_t>(x.size());
  Fenced<float> row(x, offset);
  Fenced<uint8_t> bytes(count + kPaddedValues, 0);
  std::vector<int8_t> expected(x.size());
  const float expected_scale = tensor::quantize_row_int8(x.data(), count, expected.data());
  const float scale = k.quantize_row(row.data(), count, bytes.data());
  EXPECT_TRUE(bytes.intact());
  expect_close(expected_scale, scale, 0, 0, "scale of " + std::to_string(count));
  for (int64_t i = 0; i < count; ++i) {
    EXPECT_EQ(expected[static_cast<size_t>(i)] + 128, bytes[i]) << "value " << i << " of " << count;
  }
}

TEST_P(Rows, QuantizeRowFollowsTheOneRule) {
  for (const int64_t count : counts()) {
    for (const int64_t offset : {0, 1, 7}) expect_quantized(kernels(), normal_values(count, 11), offset);
    for (const float extreme : extreme_values()) {
      for (const int64_t at : {int64_t{0}, count / 2, count - 1}) {
        std::vector<float> x = normal_values(count, 12);
        x[static_cast<size_t>(at)] = extreme;
        expect_quantized(kernels(), x, 1);
        std::fill(x.begin(), x.end(), extreme);
        expect_quantized(kernels(), x, 0);
      }
    }
  }
  std::vector<float> halves;  // 127 halves that round to even
  for (int i = -127; i <= 127; ++i) halves.push_back(static_cast<float>(i) / 2);
  halves.push_back(127.0f);
  expect_quantized(kernels(), halves, 0);
}

TEST_P(Rows, RoundBf16IsToNearestEven) {
  if (!kernels().round_bf16) GTEST_SKIP() << GetParam() << " multiplies bf16 as fp32";
  for (const int64_t count : counts()) {
    const std::vector<float> x = with_extremes(count, 13);
    Fenced<float> row(x, 3);
    Fenced<uint16_t> words(count + kPaddedValues, 0);
    kernels().round_bf16(row.data(), count, words.data());
    EXPECT_TRUE(words.intact());
    for (int64_t i = 0; i < count; ++i) {
      const float value = x[static_cast<size_t>(i)], got = tensor::bf16_to_float(words[i]);
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(got));
      } else if (std::fabs(value) >= std::numeric_limits<float>::min()) {
        EXPECT_EQ(words[i], tensor::float_to_bf16(value)) << value;
      } else {
        EXPECT_LE(std::fabs(got), std::numeric_limits<float>::min()) << "subnormal values may become zero";
      }
    }
    if (count % 2 == 1) {
      EXPECT_EQ(words[count], 0);
    }
  }
}

TEST_P(Rows, ExpansionsAreExact) {
  const int64_t columns = kernels().columns;
  for (int64_t lines = 1; lines <= 5; ++lines) {
    const int64_t count = lines * columns;
    std::vector<uint16_t> halves;
    std::vector<int8_t> bytes;
    std::vector<uint8_t> nibbles;
    for (int64_t i = 0; i < count; ++i) {
      halves.push_back(static_cast<uint16_t>(i * 2557));
      bytes.push_back(static_cast<int8_t>(i * 73));
      if (i % 2 == 0) nibbles.push_back(static_cast<uint8_t>(i * 41 + 7));
    }
    const std::vector<float> scales = normal_values(columns, 14), codebook = normal_values(16, 15);
    Fenced<float> from_bf16(count), from_int8(count), from_nf4(count);
    Fenced<uint16_t> bf16(halves, 1);
    Fenced<int8_t> int8(bytes, 1);
    Fenced<uint8_t> nf4(nibbles, 1);
    kernels().expand_bf16(bf16.data(), count, from_bf16.data());
    kernels().expand_int8(int8.data(), count, from_int8.data());
    kernels().expand_nf4(nf4.data(), scales.data(), codebook.data(), lines, from_nf4.data());
    EXPECT_TRUE(from_bf16.intact() && from_int8.intact() && from_nf4.intact());
    for (int64_t i = 0; i < count; ++i) {
      const int64_t column = i % columns, half = columns / 2;
      const uint8_t pair = nibbles[static_cast<size_t>(i / columns * half + column % half)];
      const float code = codebook[static_cast<size_t>(column < half ? pair & 15 : pair >> 4)];
      const float bf16_value = tensor::bf16_to_float(halves[static_cast<size_t>(i)]);
      EXPECT_TRUE(from_bf16[i] == bf16_value || std::isnan(bf16_value));
      EXPECT_EQ(from_int8[i], bytes[static_cast<size_t>(i)]);
      EXPECT_EQ(from_nf4[i], code * scales[static_cast<size_t>(column)]);
    }
  }
}

TEST_P(Rows, LayerNormAtEveryLength) {
  const auto normalized = [](const Kernels& k, std::vector<float> x, int64_t offset) {
    const int64_t count = static_cast<int64_t>(x.size());
    const std::vector<float> gamma = normal_values(count, 16), beta = normal_values(count, 17);
    Fenced<float> row(x, offset), g(gamma, 1), b(beta, 2);
    k.layer_norm_row(row.data(), count, g.data(), b.data(), 1e-5f);
    EXPECT_TRUE(row.intact());
    return row.values();
  };
  for (const int64_t count : counts()) {
    std::vector<std::vector<float>> rows = {
        normal_values(count, 18), std::vector<float>(static_cast<size_t>(count), 3.5f),
        normal_values(count, 19, 1e-6f), normal_values(count, 20, 1e6f), normal_values(count, 21, 1e25f)};
    for (size_t kind = 0; kind < rows.size(); ++kind) {
      const auto expected = normalized(scalar_kernels(), rows[kind], 0),
                 got = normalized(kernels(), rows[kind], 1);
      for (size_t i = 0; i < got.size(); ++i) {
        expect_close(
            expected[i], got[i], 3e-5f, 3e-5f,
            "row " + std::to_string(kind) + " of " + std::to_string(count) + " at " + std::to_string(i));
      }
    }
    for (const float broken : {kNan, kInfinity, -kInfinity}) {
      std::vector<float> x = normal_values(count, 22);
      x.back() = broken;
      for (const float value : normalized(kernels(), x, 2)) EXPECT_TRUE(std::isnan(value));
    }
  }
}

// The softmax of `x` in tiles of `tile`, as attention computes it.
std::vector<float> softmax_in_tiles(const Kernels& k, const std::vector<float>& x, int64_t tile,
                                    float scale) {
  SoftmaxState state{-kInfinity, 0.0f};
  std::vector<float> out;
  for (size_t begin = 0; begin < x.size(); begin += static_cast<size_t>(tile)) {
    const size_t end = std::min(begin + static_cast<size_t>(tile), x.size());
    Fenced<float> scores(
        {x.begin() + static_cast<std::ptrdiff_t>(begin), x.begin() + static_cast<std::ptrdiff_t>(end)},
        static_cast<int64_t>(begin % 5));
    const float correction = k.softmax_row(scores.data(), static_cast<int64_t>(end - begin), scale, state);
    EXPECT_TRUE(scores.intact());
    for (float& value : out) value *= correction;
    for (const float value : scores.values()) out.push_back(value);
  }
  for (float& value : out) value /= state.sum;
  return out;
}

TEST_P(Rows, SoftmaxInTilesIsTheSoftmax) {
  for (const int64_t count : counts()) {
    for (const float deviation : {0.1f, 3.0f, 1000.0f, 1e30f}) {
      const std::vector<float> x = normal_values(count, 23, deviation);
      const double largest = *std::max_element(x.begin(), x.end()) * 0.125;
      double sum = 0;
      for (const float value : x) sum += std::exp(value * 0.125 - largest);
      for (const int64_t tile : {count, int64_t{5}, int64_t{16}}) {
        const std::vector<float> got = softmax_in_tiles(kernels(), x, tile, 0.125f);
        for (size_t i = 0; i < x.size(); ++i) {
          const double expected = std::exp(x[i] * 0.125 - largest) / sum;
          // The rounding of the scaled score itself is what the second term allows for.
          ASSERT_NEAR(got[i], expected, 1e-6 + 1e-6 * expected * (1 + deviation))
              << count << " " << deviation;
        }
      }
    }
  }
}

TEST_P(Rows, DropsWhereTheHashIsBelowTheBound) {
  constexpr uint64_t kKey = 0x123456789ABCDEF0, kPlace = 0x5'FFFF'FF00;
  for (const int64_t count : counts()) {
    const std::vector<float> x = normal_values(count, 37);
    const uint64_t key = dropout_key_of(kKey, kPlace);
    Fenced<float> y(x, 5);
    kernels().drop_row(y.data(), count,
                       {static_cast<uint32_t>(kPlace), static_cast<uint32_t>(key),
                        static_cast<uint32_t>(key >> 32), dropout_bound(0.3f), 2.0f},
                       y.data());
    EXPECT_TRUE(y.intact());
    for (int64_t i = 0; i < std::min<int64_t>(count, 256); ++i) {
      const bool drops = dropout_hash(kKey, kPlace + static_cast<uint64_t>(i)) < dropout_bound(0.3f);
      ASSERT_EQ(y[i], drops ? 0.0f : 2 * x[static_cast<size_t>(i)]) << i << " of " << count;
    }
  }
}

TEST_P(Rows, TheBackwardPassOfASoftmax) {
  for (const int64_t count : counts()) {
    const std::vector<float> scores = normal_values(count, 29, 3.0f), d = normal_values(count, 31);
    Fenced<float> p(scores, 3);
    kernels().exp_row(p.data(), count, 0.5f, 4.0f);
    EXPECT_TRUE(p.intact());
    Fenced<float> d_scores(d, 1);
    kernels().softmax_backward_row(p.data(), count, 0.7f, 0.5f, d_scores.data());
    EXPECT_TRUE(d_scores.intact());
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(i);
      const double expected = std::exp(0.5 * static_cast<double>(scores[at]) - 4);
      ASSERT_NEAR(p[i], expected, 2e-6 * expected);
      const double slope = 0.5 * expected * (static_cast<double>(d[at]) - 0.7);
      ASSERT_NEAR(d_scores[i], slope, 1e-5 * expected);
    }
  }
}

TEST_P(Rows, SoftmaxShowsWhatIsNotFinite) {
  for (const int64_t count : counts()) {
    for (const float broken : {kNan, kInfinity}) {
      for (const int64_t at : {int64_t{0}, count / 2, count - 1}) {
        std::vector<float> x = normal_values(count, 24);
        x[static_cast<size_t>(at)] = broken;
        for (const float value : softmax_in_tiles(kernels(), x, count, 1.0f)) EXPECT_TRUE(std::isnan(value));
      }
    }
  }
}

TEST_P(Rows, ScaleRowMultiplies) {
  for (const int64_t count : counts()) {
    const std::vector<float> x = with_extremes(count, 25);
    Fenced<float> row(x, 1);
    kernels().scale_row(row.data(), count, -1.75f);
    EXPECT_TRUE(row.intact());
    for (int64_t i = 0; i < count; ++i) {
      const float expected = x[static_cast<size_t>(i)] * -1.75f;
      EXPECT_TRUE(row[i] == expected || (std::isnan(row[i]) && std::isnan(expected)));
    }
  }
}

}  // namespace
}  // namespace valence::backend::cpu
