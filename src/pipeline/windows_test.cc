#include "pipeline/windows.h"

#include <gtest/gtest.h>

#include <utility>

namespace valence::pipeline {
namespace {

TEST(Windows, AShortTextIsOneWindow) {
  for (int64_t tokens : {0, 1, 9, 10}) {
    const auto windows = windows_of(tokens, 10);
    ASSERT_EQ(windows.size(), 1u);
    EXPECT_EQ(windows[0].begin, 0);
    EXPECT_EQ(windows[0].length, tokens);
  }
}

TEST(Windows, LongTextsAreCoveredWithAQuarterOfOverlap) {
  for (int64_t capacity : {1, 2, 3, 5, 62, 510}) {
    for (int64_t tokens = capacity + 1; tokens < 12 * capacity + 40; ++tokens) {
      const auto windows = windows_of(tokens, capacity);
      ASSERT_GE(windows.size(), 2u);
      EXPECT_EQ(windows.front().begin, 0);
      EXPECT_EQ(windows.back().begin + capacity, tokens);
      for (size_t k = 1; k < windows.size(); ++k) {
        const int64_t step = windows[k].begin - windows[k - 1].begin;
        ASSERT_GE(step, 1) << tokens << " tokens, windows of " << capacity;
        if (capacity >= 4) {
          ASSERT_LE(4 * step, 3 * capacity) << tokens << " tokens, windows of " << capacity;
        }
        ASSERT_LE(step, capacity) << "a hole";
      }
    }
  }
}

TEST(LongestFirst, CutsTheLongerTextToTheOtherBeforeBoth) {
  const auto kept = [](int64_t first, int64_t second, int64_t capacity) {
    const PairLengths lengths = longest_first(first, second, capacity);
    return std::pair(lengths.first, lengths.second);
  };
  EXPECT_EQ(kept(3, 4, 7), std::pair(int64_t{3}, int64_t{4}));
  EXPECT_EQ(kept(3, 9, 7), std::pair(int64_t{3}, int64_t{4}));
  EXPECT_EQ(kept(9, 3, 7), std::pair(int64_t{4}, int64_t{3}));
  EXPECT_EQ(kept(9, 9, 7), std::pair(int64_t{3}, int64_t{4}));
  EXPECT_EQ(kept(10, 9, 7), std::pair(int64_t{4}, int64_t{3}));
  EXPECT_EQ(kept(0, 9, 7), std::pair(int64_t{0}, int64_t{7}));
  EXPECT_EQ(kept(5, 5, 0), std::pair(int64_t{0}, int64_t{0}));
}

}  // namespace
}  // namespace valence::pipeline
