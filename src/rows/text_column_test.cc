#include "rows/text_column.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rows/rows_for_test.h"

namespace valence::rows {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Columns = std::vector<std::string>;

TEST(TextColumn, IsTheNamedOne) {
  const Columns columns = {"id", "Review", " note ", "3"};
  EXPECT_EQ(choose_text_column(columns, "Review", "f"), 1);
  EXPECT_EQ(choose_text_column(columns, "review", "f"), 1);
  EXPECT_EQ(choose_text_column(columns, "note", "f"), 2);
  EXPECT_EQ(choose_text_column(columns, "3", "f"), 3);  // a name goes before a number
  EXPECT_EQ(choose_text_column(columns, "2", "f"), 1);
  EXPECT_EQ(choose_text_column({"a", "A", "b"}, "A", "f"), 1);  // exactly goes before roughly
}

TEST(TextColumn, IsTheObviousOne) {
  EXPECT_EQ(choose_text_column({"anything"}, std::nullopt, "f"), 0);
  EXPECT_EQ(choose_text_column({"id", "Comment", "Text"}, std::nullopt, "f"), 2);
  EXPECT_EQ(choose_text_column({"id", "reviewText", "stars"}, std::nullopt, "f"), 1);
}

TEST(TextColumn, IsNeverGuessed) {
  const auto error = [](const Columns& columns, const std::optional<std::string>& wanted) {
    return error_of([&] { choose_text_column(columns, wanted, "'a.csv'"); });
  };
  EXPECT_EQ(error({"id", "title"}, std::nullopt),
            "2 'a.csv' has no column that is surely the text; name it with --text-column: id, title");
  EXPECT_EQ(error({"a", "b"}, "review"), "2 'a.csv' has no column 'review'; it has a, b");
  EXPECT_THAT(error({"a", "b"}, "0"), StartsWith("2 "));
  EXPECT_THAT(error({"a", "b"}, "3"), StartsWith("2 "));
  EXPECT_THAT(error({"a", "b"}, "-1"), StartsWith("2 "));
  EXPECT_THAT(error({"a", "b"}, "1.0"), StartsWith("2 "));
  EXPECT_THAT(error({"a", "b"}, ""), StartsWith("2 "));
  EXPECT_THAT(error({"Text", "TEXT"}, std::nullopt), HasSubstr("2 columns 'text'; give its number instead"));
  EXPECT_THAT(error(Columns(100, "x\ny"), "z"), HasSubstr("x\\x0ay, ... (100 in all)"));
}

}  // namespace
}  // namespace valence::rows
