#include "pipeline/windows.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace valence::pipeline
