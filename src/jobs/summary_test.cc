#include "jobs/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs/progress.h"
#include "pipeline/fake_classifier_for_test.h"

namespace valence::jobs {
namespace {

using testing::HasSubstr;
using testing::Not;

pipeline::Result result_of(int label, double polarity) {
  pipeline::Result result;
  result.label = label;
  result.polarity = polarity;
  result.tokens = 10;
  result.windows = 1;
  return result;
}

TEST(Summary, CountsWhatItIsGiven) {
  Summary summary;
  summary.add(result_of(2, 1));
  summary.add(result_of(0, -0.5));
  summary.add(result_of(2, std::numeric_limits<double>::quiet_NaN()));
  summary.add_reject();
  pipeline::Result odd = result_of(2, 0);
  odd.truncated = true;
  odd.windows = 4;
  summary.add(odd);
  EXPECT_EQ(summary.rows, 5u);
  EXPECT_EQ(summary.rejected, 1u);
  EXPECT_EQ(summary.tokens, 40u);
  EXPECT_EQ(summary.labels, (std::vector<uint64_t>{1, 0, 3}));
  EXPECT_EQ(summary.polarity_sum, 0.5);
  EXPECT_EQ(summary.with_polarity, 3u);
  EXPECT_EQ(summary.truncated, 1u);
  EXPECT_EQ(summary.in_windows, 1u);
}

TEST(Summary, GivesSharesMeanPolarityAndSpeed) {
  Summary summary;
  for (int i = 0; i < 3000; ++i) summary.add(result_of(2, 1));
  for (int i = 0; i < 1000; ++i) summary.add(result_of(0, -1));
  summary.add_reject();
  summary.seconds = 2;
  EXPECT_EQ(describe(summary, {"bad", "so-so", "good"}, {"a note"}),
            "bad    1,000   25.0%  ████████\n"
            "so-so      0    0.0%  \n"
            "good   3,000   75.0%  ███████████████████████\n"
            "mean polarity +0.500\n"
            "4,001 rows, 1 rejected; 2.0 s, 2,000 texts/s, 20,000 tokens/s\n"
            "a note\n");
}

TEST(Summary, OfNothingIsOneLine) {
  EXPECT_EQ(describe({}, {"bad", "good"}, {}), "0 rows, 0 rejected; 0.0 s, 0 texts/s, 0 tokens/s\n");
  Summary rejected;
  rejected.add_reject();
  EXPECT_THAT(describe(rejected, {"bad"}, {}), HasSubstr("1 row, 1 rejected"));
  EXPECT_THAT(describe(rejected, {"bad"}, {}), Not(HasSubstr("%")));
}

TEST(Summary, WritesNoControlCharacterOfALabel) {
  Summary summary;
  summary.add(result_of(0, 0));
  EXPECT_THAT(describe(summary, {"\x1b[31mred\n"}, {}), HasSubstr("\\x1b[31mred\\x0a"));
}

TEST(WithCommas, GroupsDigits) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(18446744073709551615u), "18,446,744,073,709,551,615");
}

TEST(Duration, IsReadable) {
  EXPECT_EQ(duration(0.04), "0.0 s");
  EXPECT_EQ(duration(9.94), "9.9 s");
  EXPECT_EQ(duration(59.4), "59 s");
  EXPECT_EQ(duration(59.9), "1 min 0 s");
  EXPECT_EQ(duration(3725), "1 h 2 min");
}

TEST(ProgressText, SaysRateAndTimeLeftWhenTheyAreKnown) {
  EXPECT_EQ(progress_text(1000, 2, 0.25, 0.25), "1,000 rows, 500 rows/s, 25%, 6.0 s left");
  EXPECT_EQ(progress_text(1000, 2, 0, 0), "1,000 rows, 500 rows/s");
  EXPECT_EQ(progress_text(1000, 0.5, 0.25, 0.25), "1,000 rows, 2,000 rows/s, 25%");  // too early to tell
  EXPECT_EQ(progress_text(1000, 2, 0.75, 0.25), "1,000 rows, 500 rows/s, 75%, 2.0 s left");  // resumed
  EXPECT_EQ(progress_text(1000, 2, 1.5, 1.5), "1,000 rows, 500 rows/s, 100%, 0.0 s left");
}

TEST(Progress, WritesNothingUnlessShown) {
  testing::internal::CaptureStderr();
  Progress hidden(false);
  hidden.update(10, 5, 10);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  testing::internal::CaptureStderr();
  {
    Progress shown(true);
    shown.update(10, 5, 10);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::MatchesRegex("\r.*10 rows,.*\r\x1b\\[K"));
}

}  // namespace
}  // namespace valence::jobs
