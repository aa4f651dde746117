// Attention against the formula in double precision; a sequence's bits depend on that sequence alone.
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/isa_for_test.h"
#include "backend/cpu/weights_for_test.h"
#include "base/threads.h"

namespace valence::backend::cpu {
namespace {

struct Heads {
  int count, dim;
  int64_t hidden() const { return static_cast<int64_t>(count) * dim; }
};

std::vector<int32_t> cumulative(const std::vector<int>& lengths) {
  std::vector<int32_t> sums = {0};
  for (const int length : lengths) sums.push_back(sums.back() + length);
  return sums;
}

// One sequence [length, 3 * hidden]: softmax(Q K^T / sqrt(dim)) V of every head, [length, hidden].
std::vector<double> reference(const std::vector<float>& qkv, int64_t first, int64_t last, Heads heads) {
  const int64_t hidden = heads.hidden(), stride = 3 * hidden;
  std::vector<double> output(static_cast<size_t>((last - first) * hidden));
  std::vector<double> p(static_cast<size_t>(last - first));
  for (int64_t h = 0; h < heads.count; ++h) {
    for (int64_t q = first; q < last; ++q) {
      double largest = -INFINITY, sum = 0;
      for (int64_t k = first; k < last; ++k) {
        double score = 0;
        for (int64_t d = h * heads.dim; d < (h + 1) * heads.dim; ++d) {
          score += static_cast<double>(qkv[static_cast<size_t>(q * stride + d)]) *
                   qkv[static_cast<size_t>(k * stride + hidden + d)];
        }
        p[static_cast<size_t>(k - first)] = score / std::sqrt(heads.dim);
        largest = std::max(largest, p[static_cast<size_t>(k - first)]);
      }
      for (double& value : p) sum += value = std::exp(value - largest);
      for (int64_t k = first; k < last; ++k) {
        for (int64_t d = h * heads.dim; d < (h + 1) * heads.dim; ++d) {
          output[static_cast<size_t>((q - first) * hidden + d)] +=
              p[static_cast<size_t>(k - first)] / sum * qkv[static_cast<size_t>(k * stride + 2 * hidden + d)];
        }
      }
    }
  }
  return output;
}

class Attention : public EachIsa {
 protected:
  std::vector<float> attend(const std::vector<float>& qkv, const std::vector<int>& lengths, Heads heads,
                            ThreadPool* pool = nullptr) const {
    const std::vector<int32_t> sums = cumulative(lengths);
    Fenced<float> output(sums.back() * heads.hidden(), 1);
    const auto backend = make_backend(kernels(), pool);
    backend->begin({.cumulative_lengths = sums});
    backend->attention(qkv.data(), heads.count, heads.dim, output.data());
    EXPECT_TRUE(output.intact());
    return output.values();
  }
  std::vector<float> qkv_values(const std::vector<int>& lengths, Heads heads, float deviation = 1.0f) const {
    return normal_values(cumulative(lengths).back() * 3 * heads.hidden(), 31, deviation);
  }
};
VALENCE_FOR_EACH_ISA(Attention);

TEST_P(Attention, FollowsTheFormulaAtEveryLength) {
  const std::vector<int> lengths = {1,  2,  3,  7,  8,  9,   16,  17,  0,   31,
                                    33, 47, 48, 49, 65, 127, 128, 129, 257, 300};
  const std::vector<int32_t> sums = cumulative(lengths);
  for (const Heads heads : {Heads{1, 64}, Heads{3, 32}, Heads{2, 20}, Heads{1, 7}, Heads{2, 80}}) {
    for (const float deviation : {0.3f, 1.0f, 30.0f}) {
      const std::vector<float> qkv = qkv_values(lengths, heads, deviation);
      const std::vector<float> got = attend(qkv, lengths, heads);
      for (size_t s = 0; s < lengths.size(); ++s) {
        const std::vector<double> expected = reference(qkv, sums[s], sums[s + 1], heads);
        for (size_t i = 0; i < expected.size(); ++i) {
          // Scores of the widest case reach 10^4, whose last bit in fp32 is 10^-3.
          ASSERT_NEAR(got[static_cast<size_t>(sums[s] * heads.hidden()) + i], expected[i],
                      deviation > 10 ? 0.02 * deviation : 3e-5)
              << "length " << lengths[s] << ", heads of " << heads.dim << ", at " << i;
        }
      }
    }
  }
}

TEST_P(Attention, SequenceHasTheSameBitsInEveryBatch) {
  const Heads heads{3, 64};
  const std::vector<int> lengths = {5, 130, 1, 48, 77, 26};
  const std::vector<float> qkv = qkv_values(lengths, heads);
  const std::vector<float> together = attend(qkv, lengths, heads);
  const std::vector<int32_t> sums = cumulative(lengths);
  for (size_t s = 0; s < lengths.size(); ++s) {
    const int64_t hidden = heads.hidden();
    const std::vector<float> own(qkv.begin() + sums[s] * 3 * hidden, qkv.begin() + sums[s + 1] * 3 * hidden);
    EXPECT_TRUE(same_bits(attend(own, {lengths[s]}, heads),
                          {together.begin() + sums[s] * hidden, together.begin() + sums[s + 1] * hidden}));
  }
  for (const int threads : {2, 5}) {
    ThreadPool pool(threads);
    EXPECT_TRUE(same_bits(together, attend(qkv, lengths, heads, &pool)));
  }
}

TEST_P(Attention, WhatIsNotFiniteStaysInItsSequence) {
  const Heads heads{2, 32};
  const std::vector<int> lengths = {9, 140, 9};
  std::vector<float> qkv = qkv_values(lengths, heads);
  const std::vector<float> before = attend(qkv, lengths, heads);
  qkv[static_cast<size_t>((9 + 20) * 3 * heads.hidden() + heads.hidden())] =
      kNan;  // a key of the second sequence
  const std::vector<float> after = attend(qkv, lengths, heads);
  for (size_t i = 0; i < after.size(); ++i) {
    const size_t token = i / static_cast<size_t>(heads.hidden());
    const bool touched = token >= 9 && token < 149 && i % static_cast<size_t>(heads.hidden()) < 32;
    EXPECT_TRUE(touched ? std::isnan(after[i]) : before[i] == after[i]) << i;
  }
}

TEST_P(Attention, NothingGivesNothing) {
  EXPECT_TRUE(attend({}, {}, {2, 8}).empty());
  EXPECT_TRUE(attend({}, {0, 0}, {2, 8}).empty());
}

// ---- First token only

struct Layer {
  Heads heads;
  std::vector<float> key, value, key_bias, value_bias;  // [hidden, hidden], [hidden]
  explicit Layer(Heads h) : heads(h) {
    const int64_t hidden = h.hidden();
    key = normal_values(hidden * hidden, 41, 1.0f / std::sqrt(static_cast<float>(hidden)));
    value = normal_values(hidden * hidden, 42, 1.0f / std::sqrt(static_cast<float>(hidden)));
    key_bias = normal_values(hidden, 43);
    value_bias = normal_values(hidden, 44);
  }
};

class FirstToken : public Attention {
 protected:
  std::vector<float> first_tokens(const Layer& layer, Storage storage, WeightType type,
                                  const std::vector<int>& lengths, const std::vector<float>& query,
                                  const std::vector<float>& hidden, ThreadPool* pool = nullptr) const {
    const int64_t width = layer.heads.hidden();
    const auto backend = make_backend(kernels(), pool);
    const StoredMatrix key(layer.key, width, width, storage), value(layer.value, width, width, storage);
    const auto weight = backend->make_first_token(key.source(), layer.key_bias.data(), value.source(),
                                                  layer.value_bias.data(), type);
    Fenced<float> output(static_cast<int64_t>(lengths.size()) * width, 1);
    const std::vector<int32_t> sums = cumulative(lengths);
    backend->begin({.cumulative_lengths = sums});
    backend->attention_first_token(*weight, query.data(), hidden.data(), layer.heads.count, layer.heads.dim,
                                   output.data());
    EXPECT_TRUE(output.intact());
    return output.values();
  }

  // The same by way of every token's key and value, projected in fp32 with the values of `storage` as `type`.
  std::vector<float> full_path(const Layer& layer, Storage storage, WeightType type,
                               const std::vector<int>& lengths, const std::vector<float>& query,
                               const std::vector<float>& hidden) const {
    const int64_t width = layer.heads.hidden(), tokens = cumulative(lengths).back();
    const auto backend = make_backend(kernels());
    std::vector<float> qkv(static_cast<size_t>(tokens * 3 * width)),
        part(static_cast<size_t>(tokens * width));
    for (int64_t third = 1; third < 3; ++third) {
      const StoredMatrix stored(third == 1 ? layer.key : layer.value, width, width, storage);
      const StoredMatrix exact(converted(stored, type), width, width, Storage::kFp32);
      const auto linear = backend->make_linear(exact.source(), WeightType::kFp32,
                                               third == 1 ? layer.key_bias.data() : layer.value_bias.data());
      backend->linear(*linear, hidden.data(), tokens, {}, part.data());
      for (int64_t i = 0; i < tokens * width; ++i) {
        qkv[static_cast<size_t>(i / width * 3 * width + third * width + i % width)] =
            part[static_cast<size_t>(i)];
      }
    }
    const std::vector<int32_t> sums = cumulative(lengths);
    for (size_t s = 0; s < lengths.size(); ++s) {
      std::copy_n(query.begin() + static_cast<int64_t>(s) * width, width, qkv.begin() + sums[s] * 3 * width);
    }
    const std::vector<float> all = attend(qkv, lengths, layer.heads);
    std::vector<float> firsts;
    for (size_t s = 0; s < lengths.size(); ++s) {
      firsts.insert(firsts.end(), all.begin() + sums[s] * width, all.begin() + (sums[s] + 1) * width);
    }
    return firsts;
  }
};
VALENCE_FOR_EACH_ISA(FirstToken);

TEST_P(FirstToken, EqualsTheFullPath) {
  const std::vector<int> lengths = {1, 2, 25, 128, 129, 300, 7};
  for (const Heads heads : {Heads{4, 32}, Heads{3, 20}, Heads{1, 64}}) {
    const Layer layer(heads);
    const std::vector<float> query = normal_values(static_cast<int64_t>(lengths.size()) * heads.hidden(), 45);
    const std::vector<float> hidden = normal_values(cumulative(lengths).back() * heads.hidden(), 46);
    for (const Storage storage : kStorages) {
      for (const WeightType type : kTypes) {
        const std::vector<float> got = first_tokens(layer, storage, type, lengths, query, hidden);
        const std::vector<float> expected = full_path(layer, storage, type, lengths, query, hidden);
        // NF4 is kept as int8 of its values.
        const float tolerance = type == WeightType::kNf4 ? 0.03f : 1e-4f;
        for (size_t i = 0; i < got.size(); ++i) {
          ASSERT_NEAR(got[i], expected[i], tolerance)
              << "stored as " << static_cast<int>(storage) << ", as " << type_name(type) << " at " << i;
        }
      }
    }
  }
}

TEST_P(FirstToken, SequenceHasTheSameBitsInEveryBatch) {
  const Layer layer(Heads{3, 64});
  const int64_t width = layer.heads.hidden();
  std::vector<int> lengths;
  for (int s = 0; s < 70; ++s) lengths.push_back(1 + s * 37 % 140);
  const std::vector<int32_t> sums = cumulative(lengths);
  const std::vector<float> query = normal_values(static_cast<int64_t>(lengths.size()) * width, 47);
  const std::vector<float> hidden = normal_values(sums.back() * width, 48);
  for (const WeightType type : kTypes) {
    const auto together = first_tokens(layer, Storage::kFp32, type, lengths, query, hidden);
    for (const size_t s : {size_t{0}, size_t{31}, size_t{32}, size_t{69}}) {
      const int64_t at = static_cast<int64_t>(s) * width;
      const std::vector<float> own_query(query.begin() + at, query.begin() + at + width);
      const std::vector<float> own(hidden.begin() + sums[s] * width, hidden.begin() + sums[s + 1] * width);
      EXPECT_TRUE(same_bits(first_tokens(layer, Storage::kFp32, type, {lengths[s]}, own_query, own),
                            {together.begin() + at, together.begin() + at + width}))
          << type_name(type) << ", sequence " << s;
    }
    ThreadPool pool(3);
    EXPECT_TRUE(
        same_bits(together, first_tokens(layer, Storage::kFp32, type, lengths, query, hidden, &pool)));
  }
}

}  // namespace
}  // namespace valence::backend::cpu
