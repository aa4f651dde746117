// The operations of training against their formulas in double precision, or against numerical derivatives.
#include <functional>
#include <numeric>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/isa_for_test.h"
#include "tensor/nf4.h"

namespace valence::backend::cpu {
namespace {

class Training : public EachIsa {
 protected:
  std::unique_ptr<TrainingBackend> backend(ThreadPool* pool = nullptr) const {
    return make_training_backend(kernels(), pool);
  }
};
VALENCE_FOR_EACH_ISA(Training);

// ---- Functions of one value

TEST_P(Training, ActivationsHaveTheirDerivatives) {
  const auto ops = backend();
  for (const Activation f : {Activation::kNone, Activation::kGelu, Activation::kGeluTanh, Activation::kRelu,
                             Activation::kTanh, Activation::kSilu}) {
    std::vector<float> x;
    for (float v = -6.03f; v < 6; v += 0.11f) x.push_back(v);
    const auto count = static_cast<int64_t>(x.size());
    std::vector<float> above = x, below = x, slope(x.size(), 2.0f);
    for (float& v : above) v += 1e-2f;
    for (float& v : below) v -= 1e-2f;
    ops->activate(f, above.data(), count, above.data());
    ops->activate(f, below.data(), count, below.data());
    ops->activate_backward(f, x.data(), count, slope.data());
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(slope[i], 2 * (above[i] - below[i]) / 2e-2f, 2e-3) << static_cast<int>(f) << " at " << x[i];
    }
  }
}

// ---- Numerical derivatives of whole operations

// The gradient of sum(y weight) by x, where function(x) gives y.
std::vector<double> numerical(std::vector<float> x, const std::vector<float>& weight,
                              const std::function<std::vector<float>(const std::vector<float>&)>& function) {
  std::vector<double> gradient;
  for (float& value : x) {
    const float kept = value, step = 1e-2f;
    double sum[2];
    for (int side = 0; side < 2; ++side) {
      value = side == 0 ? kept + step : kept - step;
      const std::vector<float> y = function(x);
      sum[side] = 0;
      for (size_t i = 0; i < y.size(); ++i)
        sum[side] += static_cast<double>(y[i]) * static_cast<double>(weight[i]);
    }
    value = kept;
    gradient.push_back((sum[0] - sum[1]) / (2 * static_cast<double>(step)));
  }
  return gradient;
}

void expect_gradient(const std::vector<double>& expected, const std::vector<float>& got, const char* what) {
  ASSERT_EQ(expected.size(), got.size());
  double difference = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    difference += std::pow(expected[i] - static_cast<double>(got[i]), 2);
    norm += std::pow(expected[i], 2);
  }
  EXPECT_LT(std::sqrt(difference), 2e-3 * std::sqrt(norm)) << what;
}

TEST_P(Training, LayerNormHasItsGradients) {
  const auto ops = backend();
  constexpr int64_t rows = 3, columns = 21;
  const std::vector<float> x = normal_values(rows * columns, 9), gamma = normal_values(columns, 10),
                           beta = normal_values(columns, 11), d_y = normal_values(rows * columns, 12);
  std::vector<float> normal(x.size()), scale(rows), y(x.size());
  const auto forward = [&](const std::vector<float>& in, const std::vector<float>& g,
                           const std::vector<float>& b) {
    ops->layer_norm_forward(in.data(), rows, columns, g.data(), b.data(), 1e-5f, normal.data(), scale.data(),
                            y.data());
    return y;
  };
  forward(x, gamma, beta);
  std::vector<float> d_x(x.size()), d_gamma(columns, 0.0f), d_beta(columns, 0.0f);
  ops->layer_norm_backward(d_y.data(), normal.data(), scale.data(), rows, columns, gamma.data(), d_x.data(),
                           d_gamma.data(), d_beta.data());
  expect_gradient(numerical(x, d_y, [&](const auto& v) { return forward(v, gamma, beta); }), d_x, "x");
  expect_gradient(numerical(gamma, d_y, [&](const auto& v) { return forward(x, v, beta); }), d_gamma,
                  "gamma");
  expect_gradient(numerical(beta, d_y, [&](const auto& v) { return forward(x, gamma, v); }), d_beta, "beta");
}

// ---- Attention

struct AttentionCase {
  std::vector<int32_t> lengths;  // cumulative
  int heads, dim;
  bool first_only, stored;
  float dropout;
};

struct AttentionResult {
  std::vector<float> output, d_query, d_key_value;
};

AttentionResult attend(TrainingBackend& ops, const AttentionCase& c, const std::vector<float>& query,
                       const std::vector<float>& key_value, const std::vector<float>& d_output) {
  AttentionShape shape{c.lengths, c.heads, c.dim, c.first_only, {c.dropout, 77}};
  std::vector<float> probabilities(static_cast<size_t>(shape.probability_count()));
  if (c.stored) shape.probabilities = probabilities.data();
  const auto queries = static_cast<size_t>(shape.queries());
  AttentionResult out;
  out.output.resize(query.size());
  std::vector<float> log_sums(queries * static_cast<size_t>(c.heads));
  ops.attention_forward(shape, query.data(), key_value.data(), out.output.data(), log_sums.data());
  out.d_query.resize(query.size());
  out.d_key_value.resize(key_value.size());
  ops.attention_backward(shape, query.data(), key_value.data(), out.output.data(), log_sums.data(),
                         d_output.data(), out.d_query.data(), out.d_key_value.data());
  return out;
}

TEST_P(Training, AttentionHasItsGradients) {
  const auto ops = backend();
  for (const bool first_only : {false, true}) {
    for (const bool stored : {false, true}) {
      for (const float rate : {0.0f, 0.3f}) {
        const AttentionCase c{{0, 1, 6, 13}, 2, 5, first_only, stored, rate};
        const int64_t hidden = c.heads * c.dim, rows = first_only ? 3 : 13;
        const std::vector<float> query = normal_values(rows * hidden, 13),
                                 key_value = normal_values(13 * 2 * hidden, 14),
                                 d_output = normal_values(rows * hidden, 15);
        const AttentionResult got = attend(*ops, c, query, key_value, d_output);
        const auto output = [&](const std::vector<float>& q, const std::vector<float>& kv) {
          return attend(*ops, c, q, kv, d_output).output;
        };
        expect_gradient(numerical(query, d_output, [&](const auto& v) { return output(v, key_value); }),
                        got.d_query, "query");
        expect_gradient(numerical(key_value, d_output, [&](const auto& v) { return output(query, v); }),
                        got.d_key_value, "keys and values");
      }
    }
  }
}

// Longer than one tile of keys and of queries: tile by tile as with the whole matrix.
TEST_P(Training, FlashAttentionIsTheStandardOne) {
  const auto ops = backend();
  for (const float rate : {0.0f, 0.2f}) {
    AttentionCase c{{0, 300, 301, 430}, 2, 16, false, false, rate};
    const std::vector<float> query = normal_values(430 * 32, 16), key_value = normal_values(430 * 64, 17),
                             d_output = normal_values(430 * 32, 18);
    const AttentionResult flash = attend(*ops, c, query, key_value, d_output);
    c.stored = true;
    const AttentionResult standard = attend(*ops, c, query, key_value, d_output);
    for (size_t i = 0; i < flash.output.size(); ++i) {
      ASSERT_NEAR(flash.output[i], standard.output[i], 2e-5);
      ASSERT_NEAR(flash.d_query[i], standard.d_query[i], 5e-5);
    }
    for (size_t i = 0; i < flash.d_key_value.size(); ++i)
      ASSERT_NEAR(flash.d_key_value[i], standard.d_key_value[i], 5e-5);
  }
}

// ---- Dropout

TEST_P(Training, DropoutKeepsTheMeanAndRepeats) {
  const auto ops = backend();
  const std::vector<float> x(200'000, 1.0f);
  std::vector<float> y(x.size()), again(x.size()), other(x.size());
  ops->drop({0.25f, 1}, x.data(), 200'000, y.data());
  ops->drop({0.25f, 1}, x.data(), 200'000, again.data());
  ops->drop({0.25f, 2}, x.data(), 200'000, other.data());
  EXPECT_TRUE(same_bits(y, again));
  EXPECT_FALSE(same_bits(y, other));
  const auto zeros = std::count(y.begin(), y.end(), 0.0f);
  EXPECT_NEAR(static_cast<double>(zeros) / 200'000, 0.25, 0.005);
  EXPECT_NEAR(std::accumulate(y.begin(), y.end(), 0.0) / 200'000, 1.0, 0.01);
}

// ---- AdamW

TEST_P(Training, AdamWFollowsTheFormula) {
  const auto ops = backend();
  constexpr int64_t count = 1000;
  std::vector<float> w = normal_values(count, 19), m(count, 0.0f), v(count, 0.0f);
  std::vector<double> w_true(w.begin(), w.end()), m_true(count, 0.0), v_true(count, 0.0);
  AdamW step{0.01f, 0.9f, 0.999f, 1e-8f, 0.1f, 0.5f, 0};
  for (step.step = 1; step.step <= 20; ++step.step) {
    const std::vector<float> g = normal_values(count, static_cast<uint32_t>(20 + step.step));
    ops->adamw(step, g.data(), count, w.data(), m.data(), v.data());
    for (size_t i = 0; i < count; ++i) {
      const double gradient = 0.5 * static_cast<double>(g[i]);
      m_true[i] = 0.9 * m_true[i] + 0.1 * gradient;
      v_true[i] = 0.999 * v_true[i] + 0.001 * gradient * gradient;
      const auto t = static_cast<double>(step.step);
      w_true[i] -= 0.01 * 0.1 * w_true[i];
      w_true[i] -= 0.01 * (m_true[i] / (1 - std::pow(0.9, t))) /
                   (std::sqrt(v_true[i] / (1 - std::pow(0.999, t))) + 1e-8);
    }
  }
  for (size_t i = 0; i < count; ++i) ASSERT_NEAR(w[i], w_true[i], 2e-5);
}

TEST_P(Training, EightBitMomentsTakeTheNearestCode) {
  const auto ops = backend();
  constexpr int64_t count = 1000;  // the last block is not full
  std::vector<float> w(count, 0.0f), scales[2] = {std::vector<float>(4), std::vector<float>(4)};
  std::vector<uint8_t> codes[2] = {std::vector<uint8_t>(count, zero_moment_code(true)),
                                   std::vector<uint8_t>(count, zero_moment_code(false))};
  const std::vector<float> g = normal_values(count, 50);
  ops->adamw_8bit({0.01f, 0.9f, 0.999f, 1e-8f, 0, 1, 1}, g.data(), count, w.data(),
                  {codes[0].data(), scales[0].data()}, {codes[1].data(), scales[1].data()});
  for (size_t i = 0; i < count; ++i) {
    ASSERT_NEAR(w[i], g[i] > 0 ? -0.01 : 0.01, 1e-4);  // the first step goes by the sign
    const auto moment = [&](int k) { return k == 0 ? (1 - 0.9f) * g[i] : (1 - 0.999f) * g[i] * g[i]; };
    for (int k = 0; k < 2; ++k) {
      const std::array<float, 256>& map = k == 0 ? tensor::dynamic_map() : tensor::unsigned_dynamic_map();
      const float scale = scales[k][i / 256], got = map[codes[k][i]] * scale;
      float nearest = 1e30f;
      for (const float entry : map) nearest = std::min(nearest, std::fabs(entry * scale - moment(k)));
      ASSERT_NEAR(std::fabs(got - moment(k)), nearest, 1e-6f * scale);
    }
  }
}

}  // namespace
}  // namespace valence::backend::cpu
