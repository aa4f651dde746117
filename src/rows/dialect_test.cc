#include "rows/dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace valence::rows {
namespace {

using testing::ElementsAre;

constexpr Dialect kComma{',', true};

// The fields of the record at the front of `text`, which moves behind it; the end instead where it is
// another.
std::vector<std::string> cut(std::string_view& text, const Dialect& dialect = kComma, bool last = true) {
  std::vector<Span> fields;
  std::string storage;
  size_t used = 0;
  switch (cut_record(text, last, dialect, fields, storage, used)) {
    case RecordEnd::kComplete:
      break;
    case RecordEnd::kCutInField:
      return {"cut in field"};
    case RecordEnd::kCutInQuotes:
      return {"cut in quotes"};
    case RecordEnd::kStrayQuote:
      return {"stray quote"};
  }
  text.remove_prefix(used);
  std::vector<std::string> values;
  for (const Span field : fields) values.push_back(storage.substr(field.begin, field.size));
  return values;
}

std::vector<std::string> only(std::string_view text, const Dialect& dialect = kComma, bool last = true) {
  return cut(text, dialect, last);
}

TEST(CutRecord, CutsAtDelimitersAndLineEnds) {
  std::string_view text = "a,b\r\n,\n\nlast, one ";
  EXPECT_THAT(cut(text), ElementsAre("a", "b"));
  EXPECT_THAT(cut(text), ElementsAre("", ""));
  EXPECT_THAT(cut(text), ElementsAre(""));
  EXPECT_THAT(cut(text), ElementsAre("last", " one "));
  EXPECT_EQ(text, "");
}

TEST(CutRecord, TakesQuotesOff) {
  std::string_view text = "\"a,b\",\"say \"\"hi\"\"\"\r\n\"two\r\nlines\",\"\"\n";
  EXPECT_THAT(cut(text), ElementsAre("a,b", "say \"hi\""));
  EXPECT_THAT(cut(text), ElementsAre("two\r\nlines", ""));
  EXPECT_EQ(text, "");
}

TEST(CutRecord, IsAsLenientAsPythonOnOneLine) {
  EXPECT_THAT(only("6\" tall,a\"b\"\n"), ElementsAre("6\" tall", "a\"b\""));
  EXPECT_THAT(only("\"a\"b,\"c\" d\"e\"\n"), ElementsAre("ab", "c d\"e\""));
  EXPECT_THAT(only(" \"a\",b\n"), ElementsAre(" \"a\"", "b"));
  EXPECT_THAT(only("\"a\" ,b\n"), ElementsAre("a ", "b"));
}

TEST(CutRecord, KeepsACarriageReturnThatIsNoLineEnd) {
  EXPECT_THAT(only("a\rb,c\r\r\n"), ElementsAre("a\rb", "c\r"));
  EXPECT_THAT(only("\"x\",c\r\r\n"), ElementsAre("x", "c\r"));
  EXPECT_THAT(only("\"c\r\"\r\n"), ElementsAre("c\r"));
  EXPECT_THAT(only("\"c\r\"\n"), ElementsAre("c\r"));
  EXPECT_THAT(only("\"\r\"\n"), ElementsAre("\r"));
}

TEST(CutRecord, SaysWhatIsMissing) {
  EXPECT_THAT(only("a,b", kComma, false), ElementsAre("cut in field"));
  EXPECT_THAT(only("a,\"b", kComma, false), ElementsAre("cut in quotes"));
  EXPECT_THAT(only("\"a\"", kComma, false), ElementsAre("cut in field"));  // another quote may follow
  EXPECT_THAT(only("\"a\nb", kComma, true), ElementsAre("cut in quotes"));
  EXPECT_THAT(only("\"a\nb\nc\"d\",e\n"), ElementsAre("stray quote"));
  EXPECT_THAT(only("\"a\nb\" \r\n"), ElementsAre("a\nb "));
}

TEST(CutRecord, KnowsNoQuotesInATsv) {
  const Dialect tsv{'\t', false};
  std::string_view text = "\"a\tb\"\n\"c\nd";
  EXPECT_THAT(cut(text, tsv), ElementsAre("\"a", "b\""));
  EXPECT_THAT(cut(text, tsv), ElementsAre("\"c"));
  EXPECT_THAT(cut(text, tsv), ElementsAre("d"));
}

// What it says of a part must be what it says of the whole: no record is complete too early.
TEST(CutRecord, DecidesTheSameHoweverMuchTextIsThere) {
  const std::string text = "a,\"b\"\"c\",d\r\ne\n\"x\ny\"\"\",\"\"\n";
  for (size_t begin = 0; begin < text.size();) {
    std::string_view rest = std::string_view(text).substr(begin);
    std::string_view whole = rest;
    const std::vector<std::string> fields = cut(whole, kComma, true);
    const size_t used = rest.size() - whole.size();
    for (size_t length = 0; length < rest.size(); ++length) {
      const std::vector<std::string> got = only(rest.substr(0, length), kComma, false);
      if (length >= used) {
        EXPECT_EQ(got, fields) << begin << ' ' << length;
      } else {
        EXPECT_TRUE(got.front().starts_with("cut in ")) << begin << ' ' << length;
      }
    }
    begin += used;
  }
}

TEST(DetectDelimiter, TakesTheOneThatCutsAllRecordsAlike) {
  EXPECT_EQ(detect_delimiter("id,text\n1,a; b\n2,c; d\n", true), ',');
  EXPECT_EQ(detect_delimiter("id;text\n1;a, b, c\n2;d\n", true), ';');
  EXPECT_EQ(detect_delimiter("id\ttext\n1\ta, b\n", true), '\t');
  EXPECT_EQ(detect_delimiter("id|text\n1|a, b\n", true), '|');
  EXPECT_EQ(detect_delimiter("a;b,c\n1;2,3\n4;5,6\n", true), ',');
  EXPECT_EQ(detect_delimiter("a;b;c,d\n1;2;3,4\n", true), ';');
}

TEST(DetectDelimiter, LooksThroughQuotes) {
  EXPECT_EQ(detect_delimiter("id;text\n1;\"a, b\nc, d\"\n2;\"e;f\"\n", true), ';');
  EXPECT_EQ(detect_delimiter("\"a;b;c\",text\n\"1;2;3\",x\n", true), ',');
}

TEST(DetectDelimiter, IsNotMisledByBadRows) {
  EXPECT_EQ(detect_delimiter("id;text\n1;\"never closed\n2;a, b\n3;c, d\n4;e\n", true), ';');
  EXPECT_EQ(detect_delimiter("id;text;x\n1;a,b\n2;a,b\n3;c;d\n4;e;f\n5;g;h\n", true), ';');
}

TEST(DetectDelimiter, IsACommaWithoutEvidence) {
  EXPECT_EQ(detect_delimiter("", true), ',');
  EXPECT_EQ(detect_delimiter("text\n", true), ',');
  EXPECT_EQ(detect_delimiter("text\na; b\nc; d\n", true), ',');
  EXPECT_EQ(detect_delimiter("\"", true), ',');
}

}  // namespace
}  // namespace valence::rows
