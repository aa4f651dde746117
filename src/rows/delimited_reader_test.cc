#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rows/rows_for_test.h"

namespace valence::rows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> values(const Row& row) {
  std::vector<std::string> out;
  for (const Span field : row.fields) out.emplace_back(row.view(field));
  return out;
}

TEST(Csv, GivesColumnsAndRowsWithTheirLines) {
  const auto reader = open_text("id,text\r\n1,\"two\r\nlines\"\r\n2,one\r\n3,last", Format::kCsv);
  EXPECT_THAT(reader->columns(), ElementsAre("id", "text"));
  EXPECT_EQ(reader->text_column(), 1);
  const std::vector<Row> rows = read_all(*reader);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(values(rows[0]), ElementsAre("1", "two\r\nlines"));
  EXPECT_EQ(rows[0].text_view(), "two\r\nlines");
  EXPECT_EQ(rows[0].line, 2u);
  EXPECT_EQ(rows[1].line, 4u);
  EXPECT_EQ(rows[2].line, 5u);
}

TEST(Csv, DetectsItsDelimiter) {
  for (const char* text : {"a,text\n1,x\n", "a;text\n1;x\n", "a\ttext\n1\tx\n", "a|text\n1|x\n",
                           "sep=;\na;text\n1;x\n", "sep=^\r\na^text\n1^x\n"}) {
    EXPECT_THAT(open_text(text, Format::kCsv)->columns(), ElementsAre("a", "text")) << text;
  }
  EXPECT_THAT(glance("sep=;\ntext;n\nx;1\n", Format::kCsv), ElementsAre("3 x"));
}

TEST(Csv, RejectsRowsThatCannotBeUsedAndLosesNoOther) {
  const std::string file =
      "id,text,note\n"
      "1,good,a\n"
      "2,too few\n"
      "3,too,many,fields\n"
      "4,,empty\n"
      "5,\" \t\xC2\xA0\",blank\n"
      "6,bad \xff byte,b\n"
      "7,note \xC3\xA9\xC3\xA8,bad \xc3\x28 elsewhere\n"
      "8,\"two\nlines\",c\n"
      "9,fine,d\n"
      "\"\"\n"
      "10";
  EXPECT_THAT(glance(file, Format::kCsv),
              ElementsAre("2 good", "3 !wrong_field_count", "4 !wrong_field_count", "5 !empty_text",
                          "6 !empty_text", "7 !invalid_encoding", "8 !invalid_encoding", "9 two\nlines",
                          "11 fine", "12 !wrong_field_count", "13 !wrong_field_count"));
}

TEST(Csv, SaysHowManyFieldsWereExpected) {
  const std::vector<Row> rows = read_all(*open_text("a,text,b\n1,2\n", Format::kCsv));
  EXPECT_EQ(rows.at(0).reject.message, "expected 3 fields, got 2");
}

TEST(Csv, AnUnclosedQuoteCostsItsOwnLineOnly) {
  // Never closed.
  EXPECT_THAT(glance("id,text\n1,\"open\n2,b\n3,c\n", Format::kCsv),
              ElementsAre("2 !unterminated_quote", "3 b", "4 c"));
  // Closed by the quote that opens a field further down.
  EXPECT_THAT(glance("id,text\n1,\"open\n2,b\n3,\"c, d\"\n4,e\n", Format::kCsv),
              ElementsAre("2 !unterminated_quote", "3 b", "4 c, d", "5 e"));
  // The same, where the number of fields is right by accident.
  EXPECT_THAT(glance("text,id\n\"open,1\nb,2\n\"c\",3\n", Format::kCsv),
              ElementsAre("2 !unterminated_quote", "3 b", "4 c"));
  // Closed where a quote may close; but then the record has the wrong number of fields.
  EXPECT_THAT(glance("id,text\n1,\"open\n2,b\n3,\", c\"\n4,e\n", Format::kCsv),
              ElementsAre("2 !unterminated_quote", "3 b", "4 , c", "5 e"));
  // Twice.
  EXPECT_THAT(glance("id,text\n1,\"open\n2,\"open\n3,c\n", Format::kCsv),
              ElementsAre("2 !unterminated_quote", "3 !unterminated_quote", "4 c"));
}

TEST(Csv, ARecordOfSeveralLinesWithTheWrongNumberOfFieldsIsOneRow) {
  EXPECT_THAT(glance("id,text,note\n1,\"two\nlines\"\n2,b,c\n", Format::kCsv),
              ElementsAre("2 !wrong_field_count", "4 b"));
}

TEST(Csv, AnEmptyLineIsNoRowUnlessThereIsOneColumn) {
  EXPECT_THAT(glance("\r\n\nid,text\n\n1,a\r\n\r\n2,b\n\n", Format::kCsv), ElementsAre("5 a", "7 b"));
  EXPECT_THAT(glance("text\na\n\nb\n", Format::kCsv), ElementsAre("2 a", "3 !empty_text", "4 b"));
}

TEST(Csv, NeedsAHeader) {
  const auto error = [](const std::string& text, Format format) {
    return error_of([&] { open_text(text, format); });
  };
  EXPECT_THAT(error("", Format::kCsv), StartsWith("65 the test is empty; expected a header"));
  EXPECT_THAT(error("\n\n", Format::kCsv), StartsWith("65 the test is empty"));
  EXPECT_THAT(error("", Format::kTsv), StartsWith("65 the test is empty"));
  EXPECT_THAT(error("a,\"text\n1,2\n", Format::kCsv),
              StartsWith("65 the test has a header that cannot be read"));
  EXPECT_THAT(error("a,text \xff\xff\xff\n", Format::kCsv), HasSubstr("not valid text"));
  EXPECT_THAT(error("a,text\r1,x\r", Format::kCsv), HasSubstr("CR alone; expected LF or CRLF"));
  EXPECT_THAT(glance("id,text\n", Format::kCsv), ElementsAre());
  EXPECT_THAT(glance("id,text", Format::kCsv), ElementsAre());
}

TEST(Csv, KeepsNulsAndOddCharacters) {
  using namespace std::string_literals;
  EXPECT_THAT(glance("id,text\n1,a\0b\n2,c\x0b\x0c\xC2\x85\n"s, Format::kCsv),
              ElementsAre("2 a\0b"s, "3 c\x0b\x0c\xC2\x85"));
}

TEST(Csv, ReadsRecordsLongerThanItsBlocks) {
  std::string long_text(1'500'000, 'x');
  for (size_t i = 0; i < long_text.size(); i += 100) long_text[i] = i % 300 == 0 ? '\n' : ',';
  const std::string file = "id,text\n1,\"" + long_text + "\"\n2,short\n";
  const std::vector<Row> rows = read_all(*open_text(file, Format::kCsv));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].text_view(), long_text);
  EXPECT_EQ(rows[1].text_view(), "short");
  EXPECT_EQ(rows[1].line, 3u + 5000u);
}

TEST(Csv, BoundsWhatAnUnclosedQuoteReads) {
  const std::string row = "2,a row that follows the quote that is never closed\n";
  const size_t count = (4 << 20) / row.size() + 10;
  ReaderOptions options;
  options.format = Format::kCsv;
  options.max_row_bytes = 1 << 20;
  const auto reader = open_rows(std::make_unique<RepeatingSource>("id,text\n1,\"open\n", row, count, ""),
                                "the test", options);
  Row first;
  ASSERT_TRUE(reader->next(first));
  EXPECT_EQ(first.reject.reason, "unterminated_quote");
  size_t others = 0;
  while (reader->next(first)) others += !first.rejected();
  EXPECT_EQ(others, count);
}

TEST(Tsv, HasNoQuotes) {
  EXPECT_THAT(glance("id\ttext\n1\t\"open\n2\ta \"b\" c\r\n3\t\"x\"\"y\"\n4\ta\tb\n", Format::kTsv),
              ElementsAre("2 \"open", "3 a \"b\" c", "4 \"x\"\"y\"", "5 !wrong_field_count"));
  EXPECT_THAT(open_text("a,b\ttext\n", Format::kTsv)->columns(), ElementsAre("a,b", "text"));
}

TEST(Delimited, KeepsColumnsOfOneName) {
  const auto reader = open_text("a,a,label,text\n1,2,3,x\n", Format::kCsv);
  EXPECT_THAT(reader->columns(), ElementsAre("a", "a", "label", "text"));
  EXPECT_THAT(error_of([] { open_text("a,a,b\n", Format::kCsv, "a"); }),
              StartsWith("2 the test has 2 columns 'a'; give its number instead, 1 for the first"));
  EXPECT_THAT(glance("a,a,b\n1,x,3\n", Format::kCsv, "2"), ElementsAre("2 x"));
}

}  // namespace
}  // namespace valence::rows
