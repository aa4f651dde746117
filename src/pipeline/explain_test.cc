#include "pipeline/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace valence::pipeline {
namespace {

using text::Segment;

TEST(Explain, LeavesOutOneWordAfterTheOther) {
  const std::string text = "Not good, at all!";
  std::vector<std::string> reduced;
  for (const Segment& part : parts_to_leave_out(text)) reduced.push_back(without(text, part));
  EXPECT_THAT(reduced,
              testing::ElementsAre("good, at all!", "Not , at all!", "Not good, all!", "Not good, at !"));
}

TEST(Explain, TakesRunsOfWordsFromALongText) {
  std::string text;
  for (int k = 0; k < 1000; ++k) text += "word ";
  const std::vector<Segment> parts = parts_to_leave_out(text, 200);
  EXPECT_EQ(parts.size(), 200u);
  EXPECT_EQ(parts.front(), (Segment{0, 24}));
  EXPECT_EQ(parts.back().end, text.size() - 1);
  EXPECT_TRUE(parts_to_leave_out("...").empty());
}

TEST(Explain, AWordWeighsWhatTheScoreLosesWithoutIt) {
  Result whole, without_it, nothing_left;
  whole.scores = {0.1f, 0.9f};
  whole.label = 1;
  without_it.scores = {0.75f, 0.25f};
  nothing_left.reject_reason = "empty_text";
  const std::vector<Segment> parts = {{0, 1}, {2, 3}};
  const std::vector<Result> reduced = {without_it, nothing_left};
  const std::vector<Attribution> found = attributions(whole, parts, reduced);
  EXPECT_NEAR(found[0].weight, 0.65, 1e-6);
  EXPECT_NEAR(found[1].weight, 0.4, 1e-6);
}

}  // namespace
}  // namespace valence::pipeline
