// Each operation on the GPU against the CPU's in fp32. Needs a GPU: ctest's label gpu, scripts/gpu-tests.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "backend/cpu/weights_for_test.h"
#include "backend/cuda.h"
#include "backend/cuda/device.h"
#include "backend/cuda/weights.h"
#include "base/error.h"

namespace valence::backend {
namespace {

using cuda::Element;

std::vector<float> normal_values(int64_t count, unsigned seed, float deviation = 1.0f) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

std::vector<int32_t> cumulative(const std::vector<int>& lengths) {
  std::vector<int32_t> sums = {0};
  for (const int length : lengths) sums.push_back(sums.back() + length);
  return sums;
}

// The distance of two vectors over the length of the second.
double relative_error(const std::vector<float>& values, const std::vector<float>& expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    difference += std::pow(static_cast<double>(values[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return values.size() == expected.size() ? std::sqrt(difference / norm) : INFINITY;
}

class CudaBackendTest : public testing::TestWithParam<WeightType> {
 protected:
  void SetUp() override {
    const CudaDevice device = find_cuda_device();
    if (!device.usable) GTEST_SKIP() << device.problem;
    gpu_ = make_cuda_backend(GetParam());
    cpu_ = make_cpu_backend();
  }

  Element element() const { return GetParam() == WeightType::kFp32 ? Element::kFp32 : Element::kBf16; }
  double tolerance() const { return GetParam() == WeightType::kFp32 ? 2e-6 : 6e-3; }

  // Values rounded to the type of the GPU's activations, so that both sides begin with the same.
  std::vector<float> inputs(int64_t count, unsigned seed, float deviation = 1.0f) const {
    std::vector<float> values = normal_values(count, seed, deviation);
    if (element() == Element::kBf16) {
      for (float& value : values) value = tensor::bf16_to_float(tensor::float_to_bf16(value));
    }
    return values;
  }

  Activations on_gpu(const std::vector<float>& values) {
    memory_.push_back(cuda::converted(
        {.out_features = 1, .in_features = static_cast<int64_t>(values.size()), .fp32 = values.data()},
        element()));
    return Activations::at(memory_.back().data());
  }
  // Room that holds no number.
  Activations room(int64_t count) {
    return on_gpu(std::vector<float>(static_cast<size_t>(count), std::numeric_limits<float>::quiet_NaN()));
  }
  std::vector<float> read(Activations from, int64_t count) const {
    std::vector<float> values(static_cast<size_t>(count));
    cuda::check(cudaDeviceSynchronize(), "waiting");
    if (element() == Element::kFp32) {
      cuda::check(cudaMemcpy(values.data(), from.data(), 4 * values.size(), cudaMemcpyDeviceToHost),
                  "reading");
      return values;
    }
    std::vector<uint16_t> bits(values.size());
    cuda::check(cudaMemcpy(bits.data(), from.data(), 2 * bits.size(), cudaMemcpyDeviceToHost), "reading");
    for (size_t i = 0; i < bits.size(); ++i) values[i] = tensor::bf16_to_float(bits[i]);
    return values;
  }

  std::unique_ptr<Backend> gpu_, cpu_;
  std::deque<cuda::DeviceMemory> memory_;
};

struct LinearShape {
  int64_t rows, in, out;
};

TEST_P(CudaBackendTest, MultipliesMatricesOfEveryTypeWithEveryEpilogue) {
  const Activation activations[] = {Activation::kNone, Activation::kGelu, Activation::kGeluTanh,
                                    Activation::kRelu, Activation::kTanh};
  for (const LinearShape shape : {LinearShape{70, 768, 3072}, {1, 64, 32}, {33, 128, 8}, {300, 384, 1536}}) {
    const auto values = normal_values(shape.out * shape.in, 1, 0.05f), bias = normal_values(shape.out, 2);
    const auto x = inputs(shape.rows * shape.in, 3);
    const auto addend = inputs(shape.rows * shape.out, 4), residual = inputs(shape.rows * shape.out, 5);
    for (const cpu::Storage storage : cpu::kStorages) {
      const cpu::StoredMatrix matrix(values, shape.out, shape.in, storage);
      const bool nf4 = matrix.source().type == WeightType::kNf4;
      const auto mine = gpu_->make_linear(matrix.source(), nf4 ? WeightType::kNf4 : GetParam(), bias.data());
      const auto theirs = cpu_->make_linear(matrix.source(), WeightType::kFp32, bias.data());
      for (const Activation activation : activations) {
        for (int with = 0; with < 4; ++with) {
          std::vector<float> expected(static_cast<size_t>(shape.rows * shape.out));
          Epilogue epilogue{.activation = activation}, same = epilogue;
          if (with & 1) epilogue.addend = addend.data(), same.addend = on_gpu(addend);
          if (with & 2) epilogue.residual = residual.data(), same.residual = on_gpu(residual);
          cpu_->linear(*theirs, x.data(), shape.rows, epilogue, expected.data());
          const Activations y = room(shape.rows * shape.out);
          gpu_->linear(*mine, on_gpu(x), shape.rows, same, y);
          EXPECT_LT(relative_error(read(y, shape.rows * shape.out), expected), tolerance())
              << shape.in << " to " << shape.out << ", storage " << static_cast<int>(storage)
              << ", activation " << static_cast<int>(activation) << ", with " << with;
          memory_.clear();
        }
      }
    }
  }
}

TEST_P(CudaBackendTest, NormalizesRows) {
  for (const int64_t columns : {8, 64, 384, 768, 1024, 2048, 4096}) {
    const int64_t rows = 37;
    const auto x = inputs(rows * columns, 1, 3.0f), gamma = normal_values(columns, 2),
               beta = normal_values(columns, 3);
    std::vector<float> expected = x;
    cpu_->normalize(*cpu_->make_norm(gamma, beta, 1e-5f), rows, expected.data());
    const Activations y = on_gpu(x);
    gpu_->normalize(*gpu_->make_norm(gamma, beta, 1e-5f), rows, y);
    EXPECT_LT(relative_error(read(y, rows * columns), expected), tolerance()) << columns;
  }
}

TEST_P(CudaBackendTest, LooksUpWordsAndPositions) {
  const int64_t words = 50, places = 20, columns = 128;
  const auto gamma = normal_values(columns, 3), beta = normal_values(columns, 4);
  const std::vector<int32_t> ids = {0, 49, 7, 7, 3}, positions = {0, 1, 2, 19, 0}, lengths = {0, 2, 5};
  const Batch batch{ids, positions, lengths};
  const auto rows = normal_values(places * columns, 2);
  const MatrixSource place_rows{.out_features = places, .in_features = columns, .fp32 = rows.data()};
  for (const cpu::Storage storage : cpu::kStorages) {
    const cpu::StoredMatrix matrix(normal_values(words * columns, 1), words, columns, storage);
    std::vector<float> expected(ids.size() * static_cast<size_t>(columns));
    cpu_->begin(batch);
    cpu_->embed(*cpu_->map_table(matrix.source()), *cpu_->make_table(place_rows, WeightType::kFp32),
                *cpu_->make_norm(gamma, beta, 1e-12f), expected.data());
    gpu_->begin(batch);
    const Activations y = room(5 * columns);
    const auto table = gpu_->map_table(matrix.source()),
               place_table = gpu_->make_table(place_rows, WeightType::kFp32);
    gpu_->embed(*table, *place_table, *gpu_->make_norm(gamma, beta, 1e-12f), y);
    EXPECT_LT(relative_error(read(y, 5 * columns), expected), 2 * tolerance()) << static_cast<int>(storage);
    const std::vector<int32_t> outside = {0, 50, 7, 7, 3};
    gpu_->begin({outside, positions, lengths});
    EXPECT_THROW(gpu_->embed(*table, *place_table, *gpu_->make_norm(gamma, beta, 1e-12f), y), Error);
  }
}

struct Heads {
  int count, dim;
};

const std::vector<int> kLengths = {1, 5, 16, 17, 63, 64, 65, 100, 128, 200, 513, 2};

TEST_P(CudaBackendTest, Attends) {
  for (const Heads heads : {Heads{12, 64}, {12, 32}, {3, 16}, {2, 96}, {1, 136}}) {
    const auto lengths = cumulative(kLengths);
    const int64_t tokens = lengths.back(), hidden = heads.count * heads.dim;
    const auto qkv = inputs(tokens * 3 * hidden, 7);
    std::vector<float> expected(static_cast<size_t>(tokens * hidden));
    cpu_->begin({.cumulative_lengths = lengths});
    cpu_->attention(qkv.data(), heads.count, heads.dim, expected.data());
    gpu_->begin({.cumulative_lengths = lengths});
    const Activations y = room(tokens * hidden);
    gpu_->attention(on_gpu(qkv), heads.count, heads.dim, y);
    const auto together = read(y, tokens * hidden);
    EXPECT_LT(relative_error(together, expected), tolerance()) << heads.dim;
    // Each sequence alone has the same bits.
    for (size_t s = 0; s < kLengths.size(); ++s) {
      const std::vector<int32_t> alone = {0, kLengths[s]};
      const auto first = qkv.begin() + lengths[s] * 3 * hidden;
      gpu_->begin({.cumulative_lengths = alone});
      const Activations part = room(kLengths[s] * hidden);
      gpu_->attention(on_gpu(std::vector<float>(first, first + kLengths[s] * 3 * hidden)), heads.count,
                      heads.dim, part);
      const auto values = read(part, kLengths[s] * hidden);
      EXPECT_TRUE(std::equal(values.begin(), values.end(), together.begin() + lengths[s] * hidden))
          << heads.dim << ", length " << kLengths[s];
    }
    memory_.clear();
  }
}

TEST_P(CudaBackendTest, AttendsFromFirstTokens) {
  for (const Heads heads : {Heads{12, 64}, {4, 32}, {3, 16}}) {
    const auto lengths = cumulative(kLengths);
    const int64_t tokens = lengths.back(), hidden = heads.count * heads.dim,
                  sequences = static_cast<int64_t>(kLengths.size());
    const auto x = inputs(tokens * hidden, 7), query = inputs(sequences * hidden, 8);
    const auto key = inputs(hidden * hidden, 1, 0.05f), value = inputs(hidden * hidden, 2, 0.05f),
               key_bias = inputs(hidden, 3), value_bias = inputs(hidden, 4);
    const auto source = [&](const std::vector<float>& values) {
      return MatrixSource{.out_features = hidden, .in_features = hidden, .fp32 = values.data()};
    };
    std::vector<float> expected(static_cast<size_t>(sequences * hidden)), first = expected;
    cpu_->begin({.cumulative_lengths = lengths});
    cpu_->attention_first_token(*cpu_->make_first_token(source(key), key_bias.data(), source(value),
                                                        value_bias.data(), WeightType::kFp32),
                                query.data(), x.data(), heads.count, heads.dim, expected.data());
    cpu_->first_tokens(x.data(), hidden, first.data());
    gpu_->begin({.cumulative_lengths = lengths});
    const Activations y = room(sequences * hidden);
    gpu_->attention_first_token(
        *gpu_->make_first_token(source(key), key_bias.data(), source(value), value_bias.data(), GetParam()),
        on_gpu(query), on_gpu(x), heads.count, heads.dim, y);
    EXPECT_LT(relative_error(read(y, sequences * hidden), expected), 2 * tolerance()) << heads.dim;
    gpu_->first_tokens(on_gpu(x), hidden, y);
    EXPECT_EQ(read(y, sequences * hidden), first);
    memory_.clear();
  }
}

TEST_P(CudaBackendTest, GivesARowTheSameBitsInAnyBatch) {
  for (const LinearShape shape : {LinearShape{9000, 768, 3072}, {9000, 3072, 768}, {2000, 384, 1152}}) {
    const auto values = normal_values(shape.out * shape.in, 1, 0.05f), bias = normal_values(shape.out, 2);
    const auto x = inputs(shape.rows * shape.in, 3), residual = inputs(shape.rows * shape.out, 4);
    const auto linear = gpu_->make_linear(
        {.out_features = shape.out, .in_features = shape.in, .fp32 = values.data()}, GetParam(), bias.data());
    for (const bool adds : {false, true}) {
      const auto run = [&](int64_t begin, int64_t rows) {
        const auto part = [&](const std::vector<float>& all, int64_t width) {
          return on_gpu({all.begin() + begin * width, all.begin() + (begin + rows) * width});
        };
        const Activations y = room(rows * shape.out);
        Epilogue epilogue{.activation = adds ? Activation::kNone : Activation::kGelu};
        if (adds) epilogue.residual = part(residual, shape.out);
        gpu_->linear(*linear, part(x, shape.in), rows, epilogue, y);
        const auto out = read(y, rows * shape.out);
        memory_.clear();
        return out;
      };
      const auto all = run(0, shape.rows);
      for (const int64_t rows : {1, 2, 7, 31, 64, 100, 129, 512, 1000}) {
        const auto some = run(777, rows);
        EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin() + 777 * shape.out))
            << shape.in << " to " << shape.out << ", rows " << rows << ", adds " << adds;
      }
    }
  }
}

TEST_P(CudaBackendTest, ReadsLogitsInFp32) {
  const int64_t rows = 41, in = 96, out = 5;
  const auto values = inputs(out * in, 1, 0.3f), bias = normal_values(out, 2), x = inputs(rows * in, 3);
  const MatrixSource source{.out_features = out, .in_features = in, .fp32 = values.data()};
  const std::vector<int32_t> lengths = {0, 1};
  std::vector<float> expected(static_cast<size_t>(rows * out)), logits = expected;
  cpu_->logits(*cpu_->make_linear(source, WeightType::kFp32, bias.data()), x.data(), rows, expected);
  gpu_->begin({.cumulative_lengths = lengths});
  gpu_->logits(*gpu_->make_linear(source, WeightType::kFp32, bias.data()), on_gpu(x), rows, logits);
  EXPECT_LT(relative_error(logits, expected), 2e-6);
}

TEST_P(CudaBackendTest, NamesSizesWhenMemoryLacks) {
  try {
    gpu_->make_buffer(int64_t{1} << 42);
    FAIL() << "it found 8 TiB";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNoMemory);
    EXPECT_NE(std::string(error.what()).find("MiB of GPU memory are needed"), std::string::npos)
        << error.what();
  }
  EXPECT_NE(gpu_->make_buffer(1000), nullptr);
}

TEST_P(CudaBackendTest, RefusesTypesThatItDoesNotHave) {
  const std::vector<float> values(64, 1.0f);
  const MatrixSource source{.out_features = 8, .in_features = 8, .fp32 = values.data()};
  EXPECT_THROW(gpu_->make_linear(source, WeightType::kInt8, nullptr), Error);
}

INSTANTIATE_TEST_SUITE_P(Types, CudaBackendTest, testing::Values(WeightType::kFp32, WeightType::kBf16),
                         [](const auto& type) { return cpu::type_name(type.param); });

}  // namespace
}  // namespace valence::backend
