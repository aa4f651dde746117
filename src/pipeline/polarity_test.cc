#include "pipeline/polarity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace valence::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Labels = std::vector<std::string>;

TEST(Polarity, KnowsTheSpellingsOfPublishedModels) {
  EXPECT_THAT(label_polarities(Labels{"negative", "neutral", "positive"}), ElementsAre(-1, 0, 1));
  EXPECT_THAT(label_polarities(Labels{"NEGATIVE", "POSITIVE"}), ElementsAre(-1, 1));
  EXPECT_THAT(label_polarities(Labels{"positive", "negative", "neutral"}), ElementsAre(1, -1, 0));
  EXPECT_THAT(label_polarities(Labels{"Very Negative", "Negative", "Neutral", "Positive", "Very Positive"}),
              ElementsAre(-1, -0.5, 0, 0.5, 1));
  EXPECT_THAT(label_polarities(Labels{"1 star", "2 stars", "3 stars", "4 stars", "5 stars"}),
              ElementsAre(-1, -0.5, 0, 0.5, 1));
}

TEST(Polarity, GuessesNothing) {
  EXPECT_THAT(label_polarities(Labels{"LABEL_0", "LABEL_1", "LABEL_2"}), IsEmpty());
  EXPECT_THAT(label_polarities(Labels{"negative", "positive", "joy"}), IsEmpty());
  EXPECT_THAT(label_polarities(Labels{"positive"}), IsEmpty());
  EXPECT_THAT(label_polarities(Labels{}), IsEmpty());
  EXPECT_TRUE(std::isnan(polarity({}, {})));
}

TEST(Polarity, IsTheMeanPlace) {
  const std::vector<double> places{-1, 0, 1};
  const std::vector<float> scores{0.25f, 0.25f, 0.5f};
  EXPECT_DOUBLE_EQ(polarity(places, scores), 0.25);
}

}  // namespace
}  // namespace valence::pipeline
