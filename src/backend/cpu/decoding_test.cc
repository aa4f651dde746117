// Decoding against plain sums in double precision, on each instruction set.
#include "backend/cpu/decoding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "backend/cpu/isa_for_test.h"

namespace valence::backend::cpu {
namespace {

class Decoding : public EachIsa {};
VALENCE_FOR_EACH_ISA(Decoding);

TEST_P(Decoding, RowsThatLieAnywhereAreMultipliedAndCombined) {
  for (const int64_t dim : {1, 7, 8, 15, 16, 17, 31, 33, 64}) {
    const std::vector<float> x = normal_values(dim, 1), memory = normal_values(20 * dim, 2);
    std::vector<const float*> rows;
    for (const int64_t row : {3, 0, 19, 3, 7}) rows.push_back(memory.data() + row * dim);
    Fenced<float> scores(5), sum(dim, 1);
    kernels().dot_rows(x.data(), rows.data(), 5, dim, scores.data());
    kernels().combine_rows(scores.data(), rows.data(), 5, dim, sum.data());
    EXPECT_TRUE(scores.intact() && sum.intact());
    for (int64_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(scores[k], std::inner_product(x.begin(), x.end(), rows[static_cast<size_t>(k)], 0.0), 1e-4);
    }
    for (int64_t i = 0; i < dim; ++i) {
      double expected = 0;
      for (int64_t k = 0; k < 5; ++k) expected += scores[k] * rows[static_cast<size_t>(k)][i];
      EXPECT_NEAR(sum[i], expected, 1e-3);
    }
  }
}

// One head of attention for one query, in double precision.
std::vector<double> attended(const float* query, const std::vector<const float*>& keys, int64_t dim,
                             int64_t to_value) {
  std::vector<double> weights, out(static_cast<size_t>(dim));
  for (const float* key : keys) {
    weights.push_back(
        std::exp(std::inner_product(query, query + dim, key, 0.0) / std::sqrt(static_cast<double>(dim))));
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (size_t k = 0; k < keys.size(); ++k) {
    for (int64_t i = 0; i < dim; ++i) out[static_cast<size_t>(i)] += weights[k] / sum * keys[k][to_value + i];
  }
  return out;
}

TEST_P(Decoding, AttendsToSourcesAndToTheTextSoFar) {
  const auto backend = make_decoding_backend(kernels());
  constexpr int kHeads = 2, kDim = 20;
  constexpr int64_t kHidden = kHeads * kDim;
  const std::vector<float> source = normal_values(50 * 2 * kHidden, 3);
  for (const int64_t tokens : {1, 5, 33, 47}) {
    const auto keys = backend->keep_source(source.data(), 3, tokens, kHeads, kDim);
    const std::vector<float> query = normal_values(4 * kHidden, 4);
    std::vector<float> output(query.size());
    const SourceRows rows[] = {{keys.get(), 0, 1}, {keys.get(), 1, 3}};
    backend->attend_source(rows, query.data(), kHeads, kDim, output.data());
    for (int64_t r = 0; r < 4; ++r) {
      for (int64_t head = 0; head < kHeads; ++head) {
        std::vector<const float*> places;
        for (int64_t k = 0; k < tokens; ++k)
          places.push_back(source.data() + (3 + k) * 2 * kHidden + head * kDim);
        const int64_t at = r * kHidden + head * kDim;
        const std::vector<double> expected = attended(query.data() + at, places, kDim, kHidden);
        for (int64_t i = 0; i < kDim; ++i)
          EXPECT_NEAR(output[static_cast<size_t>(at + i)], expected[static_cast<size_t>(i)], 1e-5);
      }
    }
  }
}

TEST_P(Decoding, KeepsKeysAndValuesBySlotAndLayer) {
  const auto backend = make_decoding_backend(kernels());
  constexpr int kDim = 12;
  const auto memory = backend->make_memory(2, kDim);
  memory->reserve(600);
  std::vector<std::vector<float>> written;
  std::vector<int32_t> history;
  for (uint32_t step = 0; step < 5; ++step) {
    history.push_back(static_cast<int32_t>(597 - 200 * (step % 3) + step));
    for (int layer = 0; layer < 2; ++layer) {
      const std::vector<float> qkv = normal_values(3 * kDim, 10 * step + static_cast<uint32_t>(layer));
      if (layer == 1) written.push_back(qkv);
      std::vector<float> output(kDim);
      const std::vector<int32_t>* rows[] = {&history};
      backend->attend_history(*memory, layer, rows, qkv.data(), 1, kDim, output.data());
      if (layer == 0) continue;
      std::vector<const float*> places;
      for (const std::vector<float>& token : written) places.push_back(token.data() + kDim);
      const std::vector<double> expected = attended(qkv.data(), places, kDim, kDim);
      for (size_t i = 0; i < kDim; ++i) EXPECT_NEAR(output[i], expected[i], 1e-5);
    }
  }
}

TEST_P(Decoding, FindsTheBestTokensAndTheSoftmaxPartByPart) {
  const auto backend = make_decoding_backend(kernels());
  constexpr int64_t kPart = 300, kParts = 3;
  std::vector<float> logits = normal_values(2 * kPart * kParts, 7, 3.0f);
  logits[5] = logits[600] = 20;  // equal ones in the first row
  logits[7] = 30;                // forbidden
  const int32_t forbidden[] = {7, 850};
  for (const bool counted : {true, false}) {
    std::vector<TokenScores> rows(2);
    for (TokenScores& row : rows) {
      row.wanted = 6;
      row.forbidden = forbidden;
      row.count_forbidden = counted;
    }
    for (int64_t part = 0; part < kParts; ++part) {
      std::vector<float> some;
      for (int64_t r = 0; r < 2; ++r) {
        const auto begin = logits.begin() + r * kPart * kParts + part * kPart;
        some.insert(some.end(), begin, begin + kPart);
      }
      backend->take_logits(some.data(), kPart, static_cast<int32_t>(part * kPart), rows);
    }
    for (size_t r = 0; r < 2; ++r) {
      const float* row = logits.data() + r * static_cast<size_t>(kPart * kParts);
      std::vector<int32_t> ids(static_cast<size_t>(kPart * kParts));
      std::iota(ids.begin(), ids.end(), 0);
      double sum = 0;
      for (const int32_t id : ids) sum += counted || (id != 7 && id != 850) ? std::exp(row[id]) : 0;
      EXPECT_NEAR(rows[r].maximum + std::log(rows[r].sum), std::log(sum), 1e-4);
      std::erase_if(ids, [](int32_t id) { return id == 7 || id == 850; });
      std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) { return row[a] > row[b]; });
      ASSERT_EQ(rows[r].best.size(), 6u);
      for (size_t k = 0; k < 6; ++k) EXPECT_EQ(rows[r].best[k].id, ids[k]) << "row " << r << " place " << k;
    }
  }
}

}  // namespace
}  // namespace valence::backend::cpu
