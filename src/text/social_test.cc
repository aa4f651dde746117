#include "text/social.h"

#include <gtest/gtest.h>

namespace valence::text {
namespace {

// As the function `preprocess` of the model cards of the Cardiff models does:
//   " ".join('@user' if t.startswith('@') and len(t) > 1 else 'http' if t.startswith('http') else t
//            for t in text.split(" "))
TEST(Social, HidesUsersAndLinksAsTheModelsWereTrained) {
  EXPECT_EQ(preprocess_tweet("@VP thanks, see https://t.co/x1 now"), "@user thanks, see http now");
  EXPECT_EQ(preprocess_tweet("http"), "http");
  EXPECT_EQ(preprocess_tweet("httpanything"), "http");
  EXPECT_EQ(preprocess_tweet("@@"), "@user");
  EXPECT_EQ(preprocess_tweet("@\xC3\xA9"), "@user");
}

TEST(Social, LeavesEverythingElseAsItIs) {
  for (const char* text : {"", " ", "  a   b ", "@", "a@b.de", "(http://x.y)", "HTTP://x.y", "a\thttp://x.y",
                           "-@user", "#tag"}) {
    EXPECT_EQ(preprocess_tweet(text), text);
  }
}

TEST(Social, CutsWordsAtSingleSpacesOnly) {
  EXPECT_EQ(preprocess_tweet("@a  @b "), "@user  @user ");
  EXPECT_EQ(preprocess_tweet("@a\n@b http://x\nyes"), "@user http");
  EXPECT_EQ(preprocess_tweet("@a\xC2\xA0x y"), "@user y");
}

}  // namespace
}  // namespace valence::text
