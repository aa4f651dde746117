#include "rows/row_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "formats/json.h"
#include "rows/rows_for_test.h"

namespace valence::rows {
namespace {

using formats::Json;
using testing::ElementsAre;

Cell text_cell(std::string text) { return {Cell::Kind::kString, std::move(text), 0}; }
Cell json_cell(std::string text) { return {Cell::Kind::kJson, std::move(text), 0}; }

// All usable rows of `input` with a label and a score each.
std::string converted(const std::string& input, Format format, WriterOptions options,
                      const std::vector<Cell>& cells = {text_cell("positive"), json_cell("0.5")},
                      const std::vector<std::string>& names = {"label", "score"}) {
  ReaderOptions reader_options;
  reader_options.format = format;
  reader_options.collect_fields = options.format != OutputFormat::kJsonLines;
  const auto reader = open_rows(open_memory(input), "the test", reader_options);
  const auto writer = make_writer(options, *reader, names);
  std::string out;
  writer->begin(out);
  for (Row row; reader->next(row);) {
    if (!row.rejected()) writer->row(row, cells, out);
  }
  writer->end(out);
  return out;
}

std::string to_csv(const std::string& input, Format format) {
  return converted(input, format, {OutputFormat::kCsv});
}
std::string to_tsv(const std::string& input, Format format) {
  return converted(input, format, {OutputFormat::kTsv});
}
std::string to_json(const std::string& input, Format format) {
  return converted(input, format, {OutputFormat::kJsonLines});
}

TEST(OutputFormat, IsKnownByTheName) {
  EXPECT_EQ(output_format_by_name("a.csv"), OutputFormat::kCsv);
  EXPECT_EQ(output_format_by_name("a.TSV"), OutputFormat::kTsv);
  EXPECT_EQ(output_format_by_name("a.ndjson"), OutputFormat::kJsonLines);
  EXPECT_EQ(output_format_by_name("a.txt"), std::nullopt);
  EXPECT_EQ(output_format_by_name(""), std::nullopt);
}

TEST(CsvWriter, KeepsTheColumnsOfTheInput) {
  EXPECT_EQ(to_csv("id;text\r\n04;\"a;b\"\r\n5;\"say \"\"hi\"\", now\"\r\n", Format::kCsv),
            "id,text,label,score\n04,a;b,positive,0.5\n5,\"say \"\"hi\"\", now\",positive,0.5\n");
  EXPECT_EQ(to_csv("two\n\nlines\r\n", Format::kLines),
            "line,text,label,score\n1,two,positive,0.5\n3,lines,positive,0.5\n");
  EXPECT_EQ(to_csv("text\n\"a\r\nb\"\n", Format::kCsv), "text,label,score\n\"a\r\nb\",positive,0.5\n");
}

TEST(CsvWriter, MakesColumnsOfJsonFields) {
  EXPECT_EQ(
      to_csv("{\"n\":12.50,\"text\":\"a\\n\\u00e9\",\"x\":[1, 2]}\n{\"y\":null,\"text\":\"b\",\"n\":true}\n",
             Format::kJsonLines),
      "n,text,x,y,label,score\n12.50,\"a\né\",\"[1, 2]\",,positive,0.5\ntrue,b,,,positive,0.5\n");
}

TEST(CsvWriter, GivesOursAPrefixWhereTheNameIsTaken) {
  EXPECT_EQ(to_csv("label,text,valence_label,score\nmine,x,y,7\n", Format::kCsv),
            "label,text,valence_label,score,valence_valence_label,valence_score\nmine,x,y,7,positive,0.5\n");
  EXPECT_EQ(to_csv("text,text.1,text.1\nx,y,z\n", Format::kCsv),
            "text,text.1,text.1,label,score\nx,y,z,positive,0.5\n");
}

TEST(CsvWriter, EscapesFormulasOnRequest) {
  WriterOptions options{OutputFormat::kCsv};
  const std::string input = "id,text\n-5,=1+1\n+3.5e2,@x\n-a,-\n";
  EXPECT_EQ(converted(input, Format::kCsv, options),
            "id,text,label,score\n-5,=1+1,positive,0.5\n+3.5e2,@x,positive,0.5\n-a,-,positive,0.5\n");
  options.escape_formulas = true;
  EXPECT_EQ(converted(input, Format::kCsv, options, {text_cell("=LABEL"), json_cell("-0.5")}),
            "id,text,label,score\n-5,'=1+1,'=LABEL,-0.5\n+3.5e2,'@x,'=LABEL,-0.5\n'-a,'-,'=LABEL,-0.5\n");
}

TEST(TsvWriter, HasNoQuotesAndOneLineARow) {
  EXPECT_EQ(to_tsv("id,text\n\"a\tb\",\"say \"\"hi\"\"\r\nnow\"\n", Format::kCsv),
            "id\ttext\tlabel\tscore\na b\tsay \"hi\"  now\tpositive\t0.5\n");
}

TEST(Writers, WriteUnknownValuesAsNullOrNothing) {
  const std::vector<Cell> cells = {text_cell("x"), Cell{}};
  EXPECT_EQ(converted("a\n", Format::kLines, {OutputFormat::kJsonLines}, cells),
            "{\"line\":1,\"label\":\"x\",\"score\":null}\n");
  EXPECT_EQ(converted("a\n", Format::kLines, {OutputFormat::kCsv}, cells), "line,text,label,score\n1,a,x,\n");
}

TEST(JsonWriter, RepeatsMembersAsTheyWereWritten) {
  EXPECT_EQ(
      to_json(" {\"price\": 12.50, \"n\":12345678901234567890123 , \"text\":\"caf\\u00e9\", \"z\": 1.0e5 }\n",
              Format::kJsonLines),
      "{\"price\": 12.50, \"n\":12345678901234567890123 , \"text\":\"caf\\u00e9\", \"z\": 1.0e5,\"line\":1,"
      "\"label\":\"positive\",\"score\":0.5}\n");
}

TEST(JsonWriter, MakesStringsOfCsvValues) {
  EXPECT_EQ(to_json("n,text\n0012,\"a\t\"\"é\"\"\n\x01\"\n", Format::kCsv),
            "{\"n\":\"0012\",\"text\":\"a\\t\\\"é\\\"\\n\\u0001\",\"line\":2,\"label\":\"positive\","
            "\"score\":0.5}\n");
}

TEST(JsonWriter, GivesOursAPrefixInTheRowsThatHaveTheName) {
  const std::string out = to_json(
      "{\"text\":\"a\",\"l\\u0061bel\":1}\n{\"text\":\"b\"}\n{\"text\":\"c\",\"line\":9,\"valence_line\":8}"
      "\n",
      Format::kJsonLines);
  EXPECT_EQ(out,
            "{\"text\":\"a\",\"l\\u0061bel\":1,\"line\":1,\"valence_label\":\"positive\",\"score\":0.5}\n"
            "{\"text\":\"b\",\"line\":2,\"label\":\"positive\",\"score\":0.5}\n"
            "{\"text\":\"c\",\"line\":9,\"valence_line\":8,\"valence_valence_line\":3,\"label\":\"positive\","
            "\"score\":0.5}\n");
}

TEST(JsonWriter, NeverRepeatsAKey) {
  EXPECT_EQ(to_json("a,text,a,a_2,a,line\n1,x,2,3,4,5\n", Format::kCsv),
            "{\"a\":\"1\",\"text\":\"x\",\"a_3\":\"2\",\"a_2\":\"3\",\"a_4\":\"4\",\"line\":\"5\",\"valence_"
            "line\":2,"
            "\"label\":\"positive\",\"score\":0.5}\n");
}

TEST(Rejects, AreJsonLines) {
  Row row;
  row.line = 17;
  row.reject = {"missing_text", "the object has no field 'te\"xt'"};
  std::string out;
  append_reject(row, out);
  EXPECT_EQ(out,
            "{\"line\":17,\"reason\":\"missing_text\",\"message\":\"the object has no field 'te\\\"xt'\"}\n");
}

// What a writer wrote is read back by our readers as the same values.
TEST(Writers, RoundTripRandomValues) {
  std::mt19937 random(21);
  const std::vector<std::string> pieces = {"\"",
                                           ",",
                                           "\n",
                                           "\r",
                                           "\r\n",
                                           "\t",
                                           "\\",
                                           "a",
                                           "é",
                                           "😀",
                                           " ",
                                           "'",
                                           "{",
                                           "\x01",
                                           "\x7f",
                                           "\u2028",
                                           std::string(1, '\0')};
  const std::vector<std::string> keys = {"k0", "text", "k2"};
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> values = {"", "the text"};
    for (int i = 0; i < 2; ++i) {
      std::string& value = i == 0 ? values[0] : values.emplace_back();
      for (size_t count = random() % 8; count > 0; --count) value += pieces[random() % pieces.size()];
    }
    std::string json = "{";
    for (size_t i = 0; i < values.size(); ++i) {
      formats::append_json_string(json, keys[i]);
      json += ':';
      formats::append_json_string(json, values[i]);
      json += i + 1 < values.size() ? "," : "}\n";
    }
    const std::string csv = to_csv(json, Format::kJsonLines);
    const auto reader = open_text(csv, Format::kCsv);
    Row row;
    ASSERT_TRUE(reader->next(row)) << csv;
    for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(row.view(row.fields[i]), values[i]) << csv;
    const Json back = Json::parse(to_json(csv, Format::kCsv), "the output");
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(back.find(keys[i])->as_string("value"), values[i]) << csv;
    }
  }
}

}  // namespace
}  // namespace valence::rows
