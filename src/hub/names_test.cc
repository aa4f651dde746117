#include "hub/names.h"

#include <gtest/gtest.h>

#include "formats/test_support.h"
#include "hub/hub.h"

namespace valence::hub {
namespace {

using valence::testing::expect_error;

TEST(ParseRepository, ReadsNameAndRevision) {
  EXPECT_EQ(parse_repository("org/name").name, "org/name");
  EXPECT_EQ(parse_repository("org/name").revision, "main");
  EXPECT_EQ(parse_repository("bert-base-uncased").name, "bert-base-uncased");
  EXPECT_EQ(parse_repository("o.r_g/na.me-2").name, "o.r_g/na.me-2");
  EXPECT_EQ(parse_repository("org/name@v1.0").revision, "v1.0");
  EXPECT_EQ(parse_repository("org/name@refs/pr/1").revision, "refs/pr/1");
  EXPECT_EQ(parse_repository("org/name@" + std::string(40, 'a')).revision, std::string(40, 'a'));
  EXPECT_EQ(parse_repository("multilingual-5-classes@v1").name,
            "tabularisai/multilingual-sentiment-analysis");
  EXPECT_EQ(parse_repository("org/" + std::string(96, 'x')).name.size(), 100u);
}

class BadName : public ::testing::TestWithParam<std::string> {};

TEST_P(BadName, IsRefused) {
  expect_error(ErrorCode::kUsage, GetParam().find('@') == std::string::npos ? "is no name" : "is no revision",
               [] { parse_repository(GetParam()); });
}

INSTANTIATE_TEST_SUITE_P(
    Hub, BadName,
    ::testing::Values("", "/", "org/", "/name", "..", "org/..", "../etc", "../../etc", "a/b/c", "org//name",
                      "--", "org/--", "org/a--b", ".hidden/name", "org/.hidden", "org/name.", "-org/name",
                      "org/na me", "org\\name", "org/na\\me", "org/na:me", "/etc/passwd", "org/n\xc3\xa4me",
                      std::string("org/na\0me", 9), "org/na\nme", "org/" + std::string(97, 'x'), "org/name@",
                      "org/name@..", "org/name@../../x", "org/name@/main", "org/name@a//b", "org/name@a\\b",
                      "org/name@a b", "org/name@a@b", "org/name@" + std::string(256, 'x')));

TEST(Names, PathsOfARepositoryStayInside) {
  for (const char* good : {"config.json", "onnx/model.onnx", "a..b", "...", ".gitattributes", "a b"}) {
    EXPECT_TRUE(is_safe_path(good)) << good;
  }
  for (const char* bad :
       {"", "/", "/x", "..", "../x", "a/../x", "a/..", ".", "./x", "a//b", "a/", "a\\b", "a\nb", "a\x7f"}) {
    EXPECT_FALSE(is_safe_path(bad)) << bad;
  }
  EXPECT_FALSE(is_safe_path(std::string("a\0b", 3)));
  EXPECT_FALSE(is_safe_path(std::string(1025, 'x')));
}

TEST(Names, CommitsAndHashesAreLowerHexOfTheirLength) {
  EXPECT_TRUE(is_commit(std::string(40, 'f')));
  EXPECT_FALSE(is_commit(std::string(39, 'f')));
  EXPECT_FALSE(is_commit(std::string(40, 'F')));
  EXPECT_FALSE(is_commit(std::string(40, 'g')));
  EXPECT_TRUE(is_blob_name(std::string(40, '0')));
  EXPECT_TRUE(is_blob_name(std::string(64, '0')));
  EXPECT_FALSE(is_blob_name(std::string(63, '0')));
  EXPECT_FALSE(is_blob_name("../../evil"));
}

}  // namespace
}  // namespace valence::hub
