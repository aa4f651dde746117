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

Result result(float negative, float positive) {
  Result out;
  out.scores = {negative, positive};
  out.label = positive > negative;
  return out;
}

TEST(Explain, OfTwoWordsTheWeightsAreTheShapleyValue) {
  // "not good": negative .95; "good" alone .05, "not" alone .6.
  const Result whole = result(0.95f, 0.05f), not_alone = result(0.6f, 0.4f),
               good_alone = result(0.05f, 0.95f);
  const std::vector<Segment> parts = {{0, 3}, {4, 8}};
  const std::vector<Result> without = {good_alone, not_alone}, alone = {not_alone, good_alone};
  const std::vector<Attribution> found = attributions(whole, parts, without, alone);
  EXPECT_NEAR(found[0].weight, 0.5, 1e-6);
  EXPECT_NEAR(found[1].weight, -0.05, 1e-6);
}

TEST(Explain, WordsThatSayTheSameCount) {
  // "love it, wonderful": no word is missed where it is left out.
  const Result sure = result(0.02f, 0.98f), unsure = result(0.5f, 0.5f);
  const std::vector<Segment> parts = {{0, 4}, {5, 7}, {9, 18}};
  const std::vector<Result> without = {sure, sure, sure}, alone = {sure, unsure, sure};
  const std::vector<Attribution> found = attributions(sure, parts, without, alone);
  EXPECT_NEAR(found[0].weight, 0.24, 1e-6);
  EXPECT_NEAR(found[1].weight, 0, 1e-6);
  EXPECT_NEAR(found[2].weight, 0.24, 1e-6);
}

TEST(Explain, TheOnlyWordHasTheWholeWeight) {
  Result nothing_left;
  nothing_left.reject_reason = "empty_text";
  const Result whole = result(0.1f, 0.9f);
  const std::vector<Segment> parts = {{0, 4}};
  const std::vector<Attribution> found = attributions(whole, parts, {&nothing_left, 1}, {&whole, 1});
  EXPECT_NEAR(found[0].weight, 0.4, 1e-6);
}

}  // namespace
}  // namespace valence::pipeline
