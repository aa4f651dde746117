// The products of training in every order, size and stored type, against sums in double precision.
#include <array>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/isa_for_test.h"
#include "base/threads.h"
#include "tensor/floats.h"
#include "tensor/nf4.h"

namespace valence::backend::cpu {
namespace {

class MatrixProducts : public EachIsa {
 protected:
  std::unique_ptr<TrainingBackend> backend(ThreadPool* pool = nullptr) const {
    return make_training_backend(kernels(), pool);
  }
};
VALENCE_FOR_EACH_ISA(MatrixProducts);

std::vector<float> transposed(const std::vector<float>& x, int64_t rows, int64_t columns) {
  std::vector<float> out(x.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c)
      out[static_cast<size_t>(c * rows + r)] = x[static_cast<size_t>(r * columns + c)];
  }
  return out;
}

// A product of factors as they are stored, turned or not; sizes are rows, depth and columns.
Product product_of(const std::vector<float>& a, bool a_turned, const std::vector<float>& b, bool b_turned,
                   const std::array<int64_t, 3>& sizes, float* c) {
  const auto [rows, depth, columns] = sizes;
  Product product;
  product.a = a.data();
  product.a_stride = a_turned ? rows : depth;
  product.a_transposed = a_turned;
  product.b = {.out_features = b_turned ? columns : depth,
               .in_features = b_turned ? depth : columns,
               .fp32 = b.data()};
  product.b_transposed = b_turned;
  product.rows = rows;
  product.c = c;
  product.c_stride = columns;
  return product;
}

TEST_P(MatrixProducts, MultipliesInEveryOrderAndSize) {
  const auto ops = backend();
  for (const auto& [rows, depth, columns] : {std::array<int64_t, 3>{1, 1, 1},
                                             {7, 5, 3},
                                             {6, 16, 16},
                                             {13, 300, 33},
                                             {250, 20, 40},
                                             {3, 257, 1},
                                             {241, 513, 17}}) {
    const std::vector<float> a = normal_values(rows * depth, 1), b = normal_values(depth * columns, 2);
    const std::vector<float> bias = normal_values(columns, 3), before = normal_values(rows * columns, 4);
    for (int bits = 0; bits < 8; ++bits) {
      const bool a_turned = bits & 1, b_turned = bits & 2, accumulate = bits & 4;
      const std::vector<float> a_stored = a_turned ? transposed(a, rows, depth) : a;
      const std::vector<float> b_stored = b_turned ? transposed(b, depth, columns) : b;
      Fenced<float> c(before, 1);
      Product product = product_of(a_stored, a_turned, b_stored, b_turned, {rows, depth, columns}, c.data());
      product.bias = bias.data();
      product.accumulate = accumulate;
      ops->multiply(product);
      EXPECT_TRUE(c.intact());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < columns; ++k) {
          const auto at = static_cast<size_t>(r * columns + k);
          double expected = static_cast<double>(bias[static_cast<size_t>(k)]) +
                            (accumulate ? static_cast<double>(before[at]) : 0.0);
          for (int64_t d = 0; d < depth; ++d) {
            expected += static_cast<double>(a[static_cast<size_t>(r * depth + d)]) *
                        static_cast<double>(b[static_cast<size_t>(d * columns + k)]);
          }
          ASSERT_NEAR(c[static_cast<int64_t>(at)], expected, 1e-4)
              << rows << "x" << depth << "x" << columns << ", case " << bits;
        }
      }
    }
  }
}

// A machine that multiplies bf16, in plain code where this one does not.
Kernels with_bf16(const Kernels& own) {
  if (own.product_bf16 != nullptr) return own;
  Kernels kernels = scalar_kernels();
  kernels.product_bf16 = [](int rows, const Tile& tile) {
    constexpr int kColumns = 8;  // of a scalar panel
    const auto* panel = static_cast<const uint16_t*>(tile.panel);
    for (int r = 0; r < rows; ++r) {
      const auto* a =
          reinterpret_cast<const uint16_t*>(static_cast<const float*>(tile.a) + r * tile.a_stride);
      for (int c = 0; c < kColumns; ++c) {
        float sum = tile.resume ? tile.c[r * tile.c_stride + c] : 0.0f;
        for (int64_t k = 0; k < 2 * tile.steps; ++k) {
          sum +=
              tensor::bf16_to_float(a[k]) * tensor::bf16_to_float(panel[(k / 2 * kColumns + c) * 2 + k % 2]);
        }
        tile.c[r * tile.c_stride + c] = sum;
      }
    }
  };
  kernels.round_bf16 = [](const float* x, int64_t count, uint16_t* words) {
    for (int64_t i = 0; i < count; ++i) words[i] = tensor::float_to_bf16(x[i]);
    if (count % 2 == 1) words[count] = 0;
  };
  kernels.pair_bf16 = [](float* lines, int64_t steps) {
    const std::vector<float> values(lines, lines + steps * 8);
    auto* words = reinterpret_cast<uint16_t*>(lines);
    for (int64_t i = 0; i < (steps + 1) / 2 * 16; ++i) {
      const int64_t step = i / 16 * 2 + i % 2;
      words[i] = step < steps ? tensor::float_to_bf16(values[static_cast<size_t>(step * 8 + i / 2 % 8)]) : 0;
    }
  };
  return kernels;
}

TEST_P(MatrixProducts, MultipliesWithStoredTypes) {
  const Kernels own = with_bf16(kernels());
  const auto in_fp32 = backend(), in_bf16 = make_training_backend(own);
  for (const auto& [out, in] : {std::pair<int64_t, int64_t>{48, 128},
                                {30, 66},
                                {5, 7},
                                {64, 320},
                                {96, 192},
                                {32, 2112},
                                {2050, 64}}) {
    const std::vector<float> w = normal_values(out * in, 5);
    std::vector<uint16_t> halves;
    for (const float v : w) halves.push_back(tensor::float_to_bf16(v));
    const tensor::Nf4Values nf4 = tensor::quantize_nf4(w);
    std::vector<float> restored_nf4(w.size()), restored_bf16;
    tensor::dequantize_nf4(nf4.packed.data(), nf4.absmax.data(), tensor::kNf4Codebook.data(), 0, out * in,
                           restored_nf4.data());
    for (const uint16_t h : halves) restored_bf16.push_back(tensor::bf16_to_float(h));
    MatrixSource as_bf16{
        .type = WeightType::kBf16, .out_features = out, .in_features = in, .bf16 = halves.data()};
    MatrixSource as_nf4{.type = WeightType::kNf4,
                        .out_features = out,
                        .in_features = in,
                        .nf4 = nf4.packed.data(),
                        .block_absmax = nf4.absmax.data(),
                        .codebook = tensor::kNf4Codebook.data()};
    for (const auto& [turned, bf16] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
      const int64_t depth = turned ? in : out, columns = turned ? out : in, rows = 9;
      const std::vector<float> a = normal_values(rows * depth, 6);
      const auto multiply = [&](const MatrixSource& b) {
        std::vector<float> c(static_cast<size_t>(rows * columns));
        Product product;
        product.a = a.data();
        product.a_stride = depth;
        product.b = b;
        product.b_transposed = turned;
        product.bf16 = bf16;
        product.rows = rows;
        product.c = c.data();
        product.c_stride = columns;
        (bf16 ? in_bf16 : in_fp32)->multiply(product);
        return c;
      };
      const auto plain = [&](const std::vector<float>& values) {
        return multiply({.out_features = out, .in_features = in, .fp32 = values.data()});
      };
      EXPECT_TRUE(same_bits(multiply(as_bf16), plain(restored_bf16)));
      EXPECT_TRUE(same_bits(multiply(as_nf4), plain(restored_nf4)));
    }
  }
}

TEST_P(MatrixProducts, AMatrixHeldForBf16GivesTheSameBits) {
  const Kernels own = with_bf16(kernels());
  const auto ops = make_training_backend(own);
  const std::vector<float> a = normal_values(9 * 128, 42), b = normal_values(128 * 64, 43);
  std::vector<float> c(9 * 64), expected(9 * 64);
  Product product = product_of(a, false, b, true, {9, 128, 64}, expected.data());
  product.bf16 = true;
  ops->multiply(product);
  const auto held = ops->hold(product.b, true);
  EXPECT_EQ(held->source().type, WeightType::kBf16);
  product.b = held->source();
  product.c = c.data();
  ops->multiply(product);
  EXPECT_TRUE(same_bits(c, expected));
  EXPECT_EQ(backend()->hold({.out_features = 64, .in_features = 128, .fp32 = b.data()}, false)->source().type,
            WeightType::kFp32);
}

TEST_P(MatrixProducts, MultipliesInBf16) {
  const Kernels own = with_bf16(kernels());
  const auto ops = make_training_backend(own);
  for (const auto& [rows, depth, columns] :
       {std::array<int64_t, 3>{1, 1, 1}, {5, 7, 9}, {14, 2051, 70}, {30, 64, 100}}) {
    std::vector<float> a = normal_values(rows * depth, 40), b = normal_values(depth * columns, 41);
    for (std::vector<float>* values : {&a, &b}) {
      for (float& v : *values) v = tensor::bf16_to_float(tensor::float_to_bf16(v));
    }
    for (int bits = 0; bits < 4; ++bits) {
      const bool a_turned = bits & 1, b_turned = bits & 2;
      const std::vector<float> a_stored = a_turned ? transposed(a, rows, depth) : a;
      const std::vector<float> b_stored = b_turned ? transposed(b, depth, columns) : b;
      std::vector<float> c(static_cast<size_t>(rows * columns));
      Product product = product_of(a_stored, a_turned, b_stored, b_turned, {rows, depth, columns}, c.data());
      product.bf16 = true;
      ops->multiply(product);
      for (int64_t at = 0; at < rows * columns; ++at) {
        double expected = 0;
        for (int64_t d = 0; d < depth; ++d) {
          expected += static_cast<double>(a[static_cast<size_t>(at / columns * depth + d)]) *
                      static_cast<double>(b[static_cast<size_t>(d * columns + at % columns)]);
        }
        ASSERT_NEAR(c[static_cast<size_t>(at)], expected, 5e-4)
            << rows << "x" << depth << "x" << columns << ", case " << bits;
      }
    }
  }
}

TEST_P(MatrixProducts, ThreadsChangeNoBitOfAProduct) {
  ThreadPool pool(3);
  const auto one = backend(), three = backend(&pool);
  const std::vector<float> a = normal_values(200 * 300, 7), b = normal_values(300 * 100, 8);
  std::vector<float> c[2] = {std::vector<float>(20'000), std::vector<float>(20'000)};
  for (int k = 0; k < 2; ++k) {
    Product product;
    product.a = a.data();
    product.a_stride = 200;
    product.a_transposed = true;
    product.b = {.out_features = 300, .in_features = 100, .fp32 = b.data()};
    product.rows = 200;
    product.c = c[k].data();
    product.c_stride = 100;
    (k == 0 ? one : three)->multiply(product);
  }
  EXPECT_TRUE(same_bits(c[0], c[1]));
}

}  // namespace
}  // namespace valence::backend::cpu
