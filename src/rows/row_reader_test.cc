// Plain lines, JSON Lines and texts; CSV and TSV have a test of their own.
#include "rows/row_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "rows/readers.h"
#include "rows/rows_for_test.h"

namespace valence::rows {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Format, IsKnownByTheName) {
  EXPECT_EQ(format_by_name("a.csv"), Format::kCsv);
  EXPECT_EQ(format_by_name("a.TSV.gz"), Format::kTsv);
  EXPECT_EQ(format_by_name("a.jsonl.zst"), Format::kJsonLines);
  EXPECT_EQ(format_by_name("a.ndjson"), Format::kJsonLines);
  for (const char* name : {"a.txt", "a", "csv", "a.csv.txt", "a.json", ".gz"}) {
    EXPECT_EQ(format_by_name(name), Format::kLines) << name;
  }
}

TEST(Lines, EndAtLfOrCrlfAndNothingElse) {
  EXPECT_THAT(glance("a\nb\r\nc", Format::kLines), ElementsAre("1 a", "2 b", "3 c"));
  EXPECT_THAT(glance("a\x0b\x0c\x1c z\nb\xC2\x85z\nc\u2028z\nd\u2029z\ne\rz\n", Format::kLines),
              ElementsAre("1 a\x0b\x0c\x1c z", "2 b\xC2\x85z", "3 c\u2028z", "4 d\u2029z", "5 e\rz"));
  EXPECT_THAT(glance("a\r\r\n", Format::kLines), ElementsAre("1 a\r"));
}

TEST(Lines, AnEmptyLineIsARow) {
  EXPECT_THAT(glance("a\n\n\r\n \t\nb\n", Format::kLines),
              ElementsAre("1 a", "2 !empty_text", "3 !empty_text", "4 !empty_text", "5 b"));
  EXPECT_THAT(glance("", Format::kLines), ElementsAre());
  EXPECT_THAT(glance("\n", Format::kLines), ElementsAre("1 !empty_text"));
  EXPECT_THAT(glance("\xef\xbb\xbfmark\n", Format::kLines), ElementsAre("1 mark"));
  EXPECT_THAT(glance("\xef\xbb\xbf", Format::kLines), ElementsAre());
}

TEST(Lines, OfWhiteSpaceAloneAreEmpty) {
  EXPECT_THAT(glance("\xC2\xA0\n\u3000\u2003\n\x1f\n\u200b\n", Format::kLines),
              ElementsAre("1 !empty_text", "2 !empty_text", "3 !empty_text", "4 \u200b"));
}

TEST(Lines, WithBrokenBytesAreRejectedOneByOne) {
  EXPECT_THAT(glance("é ü ñ 日本\nbad \xc3\x28\ngood\n\xed\xa0\x80\nz\n", Format::kLines),
              ElementsAre("1 é ü ñ 日本", "2 !invalid_encoding", "3 good", "4 !invalid_encoding", "5 z"));
  EXPECT_THAT(glance("good\0one\nbad\nok\n"s, Format::kLines), ElementsAre("1 good\0one"s, "2 bad", "3 ok"));
  // UTF-16 with half a surrogate pair in its second line.
  EXPECT_THAT(glance("\xff\xfe"s + "a\0\n\0\0\xd8\n\0z\0\n\0"s, Format::kLines),
              ElementsAre("1 a", "2 !invalid_encoding", "3 z"));
}

TEST(Lines, HaveNoColumns) {
  EXPECT_THAT(error_of([] { open_text("a\n", Format::kLines, "text"); }), HasSubstr("which have no columns"));
  EXPECT_TRUE(open_text("a\n", Format::kLines)->columns().empty());
}

constexpr size_t kLimit = 1 << 20;

// The rows of `format` between `head` and `tail` when `size` times an x stands between them.
std::vector<std::string> around(Format format, const std::string& head, size_t size,
                                const std::string& tail) {
  ReaderOptions options;
  options.format = format;
  options.max_row_bytes = kLimit;
  const std::string middle(1 << 16, 'x');
  auto source = std::make_unique<RepeatingSource>(head + std::string(size % middle.size(), 'x'), middle,
                                                  size / middle.size(), tail);
  const auto reader = open_rows(std::move(source), "the test", options);
  std::vector<std::string> rows;
  for (Row row; reader->next(row);)
    rows.push_back(row.rejected() ? row.reject.reason : std::string(row.text_view(), 0, 9));
  return rows;
}

TEST(Rows, ThatAreTooLongAreRejectedAndLoseNoOther) {
  const auto expected = ElementsAre("first", "row_too_long", "last");
  EXPECT_THAT(around(Format::kLines, "first\n", kLimit + 1, "\nlast\n"), expected);
  EXPECT_THAT(around(Format::kCsv, "id,text\n1,first\n2,", kLimit, "\n3,last\n"), expected);
  EXPECT_THAT(
      around(Format::kJsonLines, "{\"text\":\"first\"}\n{\"text\":\"", kLimit, "\"}\n{\"text\":\"last\"}"),
      expected);
  EXPECT_THAT(around(Format::kLines, "", kLimit + (1 << 20), ""), ElementsAre("row_too_long"));
  EXPECT_THAT(around(Format::kLines, "", kLimit, "\nlast"), ElementsAre("xxxxxxxxx", "last"));
}

TEST(Rows, OfAFileAreFoundAgainBehindAPosition) {
  const std::string text = "one\n\ntwo\r\n\xc3\x28\nthree";
  ReaderOptions options;
  options.keep_checksum = true;
  const auto whole = open_rows(open_memory(text), "the test", options);
  Row row;
  while (whole->next(row)) {
    const auto rest = open_rows(open_memory(text), "the test", options);
    rest->skip_to(whole->position());
    EXPECT_EQ(rest->position().checksum, whole->position().checksum);
    Row next, expected;
    const auto again = open_rows(open_memory(text), "the test", options);
    for (uint64_t line = 0; line < row.line; ++line) again->next(expected);
    EXPECT_EQ(rest->next(next), again->next(expected));
    EXPECT_EQ(next.line, expected.line);
    EXPECT_EQ(next.storage, expected.storage);
  }
}

TEST(Rows, ArePositionedInTheSameInputOnly) {
  ReaderOptions options;
  options.keep_checksum = true;
  const auto first = open_rows(open_memory("one\ntwo\n"), "the test", options);
  Row row;
  first->next(row);
  for (const char* other : {"", "one", "oNe\ntwo\n", "o\ne\ntwo\n"}) {
    const auto reader = open_rows(open_memory(other), "the test", options);
    EXPECT_THAT(error_of([&] { reader->skip_to(first->position()); }),
                StartsWith("2 the input is not the one that the interrupted run read"))
        << other;
  }
}

TEST(Texts, AreRowsWhateverTheyHold) {
  const auto reader = open_texts({"two\nlines", "", "bad \xff", "a,b"});
  EXPECT_THAT(glance(*reader), ElementsAre("1 two\nlines", "2 !empty_text", "3 !invalid_encoding", "4 a,b"));
}

TEST(JsonLines, GivesTextsAndMembers) {
  const auto reader =
      open_text("{\"id\": 12.50, \"text\":\"caf\\u00e9 \\ud83d\\ude00\"}\r\n\n  \n{\"text\":\"b\"}",
                Format::kJsonLines);
  const std::vector<Row> rows = read_all(*reader);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].text_view(), "café 😀");
  EXPECT_EQ(rows[0].view(rows[0].members), "\"id\": 12.50, \"text\":\"caf\\u00e9 \\ud83d\\ude00\"");
  EXPECT_EQ(rows[1].line, 4u);
}

TEST(JsonLines, RejectsRowsThatCannotBeUsedAndLosesNoOther) {
  const std::string file =
      "{\"id\":1,\"text\":\"I love this é ü 日本\"}\n"
      "{\"id\":2,\"text\":\"bro\n"
      "{\"id\":3}\n"
      "{\"id\":4,\"text\":5}\n"
      "{\"text\":null}\n"
      "[\"text\"]\n"
      "{\"text\":\"a\",\"text\":\"b\"}\n"
      "{\"text\":\"\"}\n"
      "{\"text\":\"\\u0020\\u00a0\"}\n"
      "{\"text\":\"bad \xff\"}\n"
      "{\"text\":\"half \\ud800\"}\n"
      "{\"text\":\"fine\"} trailing\n"
      "{\"text\":\"x\",\"deep\":" +
      std::string(100000, '[') +
      "\n"
      "{\"text\":{\"text\":\"inner\"}}\n"
      "{\"text\":\"never again\"}";
  EXPECT_THAT(glance(file, Format::kJsonLines, "text"),
              ElementsAre("1 I love this é ü 日本", "2 !invalid_json", "3 !missing_text", "4 !not_text",
                          "5 !not_text", "6 !not_an_object", "7 !repeated_key", "8 !empty_text",
                          "9 !empty_text", "10 !invalid_encoding", "11 !invalid_encoding",
                          "12 !trailing_text", "13 !too_deep", "14 !not_text", "15 never again"));
}

TEST(JsonLines, ChoosesTheTextField) {
  const std::string file = "{\"id\":\"a\",\"Review\":\"b\",\"n\":\"c\"}\n";
  EXPECT_THAT(glance(file, Format::kJsonLines), ElementsAre("1 b"));
  EXPECT_THAT(glance(file, Format::kJsonLines, "id"), ElementsAre("1 a"));
  EXPECT_THAT(glance(file, Format::kJsonLines, "3"), ElementsAre("1 c"));
  EXPECT_THAT(glance("{\"te\\u0078t\":\"b\"}\n", Format::kJsonLines, "text"), ElementsAre("1 b"));
  // A named field may be rare; a number must be one.
  EXPECT_THAT(glance(file, Format::kJsonLines, "later"), ElementsAre("1 !missing_text"));
  EXPECT_THAT(error_of([&] { open_text(file, Format::kJsonLines, "4"); }),
              StartsWith("2 the test has no column '4'"));
  EXPECT_THAT(error_of([&] { open_text("{\"a\":\"x\",\"b\":\"y\"}\n", Format::kJsonLines); }),
              StartsWith("2 "));
  EXPECT_THAT(glance("", Format::kJsonLines), ElementsAre());
  EXPECT_THAT(glance("no json\n", Format::kJsonLines), ElementsAre("1 !invalid_json"));
}

TEST(JsonLines, CollectsTheFieldsOfAWholeFileForAnOutputWithColumns) {
  const std::string path = testing::TempDir() + "valence_fields.jsonl";
  {
    std::ofstream file(path);
    for (int i = 0; i < 5000; ++i) file << "{\"text\":\"a\"}\n";
    file << "{\"late\":1,\"text\":\"b\"}\n";
  }
  ReaderOptions options;
  options.format = Format::kJsonLines;
  options.collect_fields = true;
  const auto reader = open_rows(path, options);
  std::filesystem::remove(path);
  EXPECT_THAT(reader->columns(), ElementsAre("text", "late"));
  EXPECT_EQ(read_all(*reader).size(), 5001u);
}

TEST(JsonLines, FixesTheFieldsOfAStreamByItsBeginning) {
  ReaderOptions options;
  options.format = Format::kJsonLines;
  options.collect_fields = true;
  std::string text = "{\"id\":1,\"text\":\"a\"}\n";
  while (text.size() < 400'000) text += "{\"text\":\"b\"}\n";
  text += "{\"late\":1,\"text\":\"c\"}\n{\"text\":\"d\"}\n";
  const auto reader = open_rows(open_memory(text), "the test", options);
  EXPECT_THAT(reader->columns(), ElementsAre("id", "text"));
  const std::vector<Row> rows = read_all(*reader);
  EXPECT_EQ(rows[rows.size() - 2].reject.reason, "unknown_field");
  EXPECT_EQ(rows.back().text_view(), "d");
}

TEST(JsonLines, RefusesFieldsWithoutEnd) {
  const std::string path = testing::TempDir() + "valence_many_fields.jsonl";
  {
    std::ofstream file(path);
    for (int i = 0; i < 5000; ++i) file << "{\"text\":\"a\",\"f" << i << "\":1}\n";
  }
  ReaderOptions options;
  options.format = Format::kJsonLines;
  options.collect_fields = true;
  EXPECT_THAT(error_of([&] { open_rows(path, options); }), HasSubstr("write --format jsonl"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace valence::rows
