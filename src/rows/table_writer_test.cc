#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rows/display_width.h"
#include "rows/row_writer.h"
#include "rows/rows_for_test.h"

namespace valence::rows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(DisplayWidth, CountsCellsByGraphemeCluster) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("é"), 1u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("😀"), 2u);
  EXPECT_EQ(display_width("👩‍🚀"), 2u);
  EXPECT_EQ(display_width("👍🏽"), 2u);
  EXPECT_EQ(display_width("🇫🇷🇩🇪"), 4u);
  EXPECT_EQ(display_width("❤️"), 2u);
  EXPECT_EQ(display_width("a\u200eb\x1b"), 2u);
}

TEST(FitWidth, CutsBetweenClustersAndFills) {
  EXPECT_EQ(fit_width("abc", 5, true), "abc  ");
  EXPECT_EQ(fit_width("abc", 5, false), "abc");
  EXPECT_EQ(fit_width("abcdef", 5, true), "abcd…");
  EXPECT_EQ(fit_width("日本語", 5, true), "日本…");
  EXPECT_EQ(fit_width("日本語", 4, true), "日… ");
  EXPECT_EQ(fit_width("👩‍🚀👩‍🚀👩‍🚀", 4, false), "👩‍🚀…");
  EXPECT_EQ(fit_width("abc", 0, false), "");
  EXPECT_EQ(fit_width("日", 1, true), "…");
}

TEST(FitWidth, LeavesNothingThatATerminalWouldObey) {
  EXPECT_EQ(fit_width("a\tb\r\nc\x1b[31md\x07 \u202ee\u2066f\xC2\x9bg", 80, false), "a b  c[31md efg");
  EXPECT_EQ(fit_width(std::string("x\0y", 3), 80, false), "xy");
}

TEST(FitWidth, NeverTakesMoreCellsThanItHas) {
  const std::string text = "a日e\u0301👩‍🚀🇫🇷❤️z\u0301\u0302\u0303👍🏽q";
  for (size_t width = 0; width < 20; ++width) {
    EXPECT_LE(display_width(fit_width(text, width, false)), width);
    EXPECT_EQ(display_width(fit_width(text, width, true)), width);
  }
}

std::string table(const std::string& input, Format format, WriterOptions options, int tone = 0) {
  options.format = OutputFormat::kTable;
  const auto reader = open_text(input, format);
  const auto writer = make_writer(options, *reader, {"label", "score"});
  std::string out;
  writer->begin(out);
  for (Row row; reader->next(row);) {
    const std::vector<Cell> cells = {{Cell::Kind::kString, "positive", tone}, {Cell::Kind::kJson, "0.5", 0}};
    writer->row(row, cells, out);
  }
  writer->end(out);
  return out;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

TEST(Table, AlignsColumnsByTheirWidthOnTheScreen) {
  EXPECT_THAT(lines(table("good\n日本語\n", Format::kLines, {})),
              ElementsAre("line  text    label     score", "1     good    positive  0.5",
                          "2     日本語  positive  0.5"));
}

TEST(Table, FitsTheTerminal) {
  const std::string input = "id,text,note\n1," + std::string(300, 'x') + ",short note\n2," +
                            "日本語日本語日本語日本語日本語" + ",b\n";
  for (const size_t width : {60u, 80u, 100u, 200u}) {
    WriterOptions options;
    options.table_width = width;
    for (const std::string& line : lines(table(input, Format::kCsv, options))) {
      EXPECT_LE(display_width(line), width) << line;
    }
  }
}

// Our columns alone leave the text less than it should have: lines still fit.
TEST(Table, FitsANarrowTerminal) {
  WriterOptions options;
  options.table_width = 26;
  for (const std::string& line : lines(table(std::string(300, 'x') + "\n", Format::kLines, options)))
    EXPECT_LE(display_width(line), options.table_width) << line;
}

TEST(Table, KeepsRowsOnOneLineAndTheirOrder) {
  std::string input = "text\n";
  for (int i = 0; i < 200; ++i) input += "\"row\n" + std::to_string(i) + "\"\n";
  const std::vector<std::string> out = lines(table(input, Format::kCsv, {}));
  ASSERT_EQ(out.size(), 201u);
  for (int i = 0; i < 200; ++i)
    ASSERT_THAT(out[static_cast<size_t>(i) + 1], HasSubstr("row " + std::to_string(i) + " "));
}

TEST(Table, HasRoomForRowsWiderThanTheFirst) {
  std::string input;
  for (int i = 0; i < 12345; ++i) input += "x\n";
  input += std::string(60, 'y') + "\n";
  const std::vector<std::string> out = lines(table(input, Format::kLines, {}));
  EXPECT_EQ(out.back(), "12346     " + std::string(60, 'y') + std::string(15, ' ') + "positive  0.5");
  EXPECT_EQ(display_width(out.back()), display_width(out.front()) - 2);
}

TEST(Table, OfNothingIsNothing) { EXPECT_EQ(table("", Format::kLines, {}), ""); }

TEST(Table, IsColouredOnlyWhenAsked) {
  WriterOptions options;
  EXPECT_THAT(table("good\n", Format::kLines, options, 1), Not(HasSubstr("\x1b")));
  options.color = true;
  EXPECT_THAT(table("good\n", Format::kLines, options, 1), HasSubstr("\x1b[32mpositive"));
  EXPECT_THAT(table("good\n", Format::kLines, options, -1), HasSubstr("\x1b[31mpositive"));
}

}  // namespace
}  // namespace valence::rows
