#include "train/dataset.h"

#include <gtest/gtest.h>

#include "formats/test_support.h"
#include "train/tokens_for_test.h"

namespace valence::train {
namespace {

using models::Problem;
using valence::testing::expect_error;
using valence::testing::TemporaryFolder;
using valence::testing::write_file;

class DatasetTest : public ::testing::Test {
 protected:
  Dataset read(const std::string& name, const std::string& content, LabelColumns columns,
               Problem problem = Problem::kSingleLabel, int64_t max_length = 100) {
    write_file(folder_ / name, content);
    Dataset data;
    data.read(folder_ / name, columns, problem, tokenizer_, max_length);
    return data;
  }
  TemporaryFolder folder_;
  LetterTokenizer tokenizer_;
};

TEST_F(DatasetTest, ReadsTextsAndLabelsOfEveryFormat) {
  for (const auto& [name, content] :
       {std::pair{"a.csv", "text,label\nab,good\n\"c, d\",bad\n"},
        std::pair{"a.tsv", "text\tlabel\nab\tgood\nc, d\tbad\n"},
        std::pair{"a.jsonl",
                  "{\"label\":\"good\",\"text\":\"ab\"}\n{\"text\":\"c, d\",\"label\":\"bad\"}\n"}}) {
    const Dataset data = read(name, content, {"text", {"label"}, ""});
    ASSERT_EQ(data.rows(), 2) << name;
    EXPECT_EQ(data.names(), (std::vector<std::string>{"good", "bad"}));
    EXPECT_EQ(data.label(1), 1);
    EXPECT_EQ(data.tokens(0).size(), 4u);
    EXPECT_EQ(data.tokens(0)[1], 'a');
    EXPECT_EQ(data.tokens(1).size(), 6u);
  }
}

// As `valence analyze --format jsonl` writes the scores of a teacher; a label of 0 still counts as one of the
// file.
TEST_F(DatasetTest, ReadsSharesOfLabels) {
  const Dataset data = read("a.jsonl",
                            "{\"text\":\"ab\",\"scores\":{\"bad\":0.2,\"good\":0.6,\"so-so\":0}}\n"
                            "{\"text\":\"c\",\"scores\":\"bad\"}\n",
                            {"text", {"scores"}, ""});
  EXPECT_EQ(data.names(), (std::vector<std::string>{"good", "bad", "so-so"}));
  EXPECT_EQ(data.label(0), 0);
  ASSERT_EQ(data.shares(0).size(), 3u);
  EXPECT_FLOAT_EQ(data.shares(0)[0], 0.75f);
  EXPECT_FLOAT_EQ(data.shares(0)[2], 0);
  EXPECT_EQ(data.label(1), 1);
  EXPECT_TRUE(data.shares(1).empty());
}

TEST_F(DatasetTest, RefusesSharesThatAreNone) {
  const LabelColumns columns = {"text", {"label"}, ""};
  for (const char* cell : {R"({""x"":-1})", R"({""x"":""much""})", R"({""x"":1)"}) {
    SCOPED_TRACE(cell);
    expect_error(ErrorCode::kBadData, "a.csv:2",
                 [&] { read("a.csv", "text,label\nab,\"" + std::string(cell) + "\"\n", columns); });
  }
  for (const char* cell : {"{}", R"({""x"":0})"}) {
    expect_error(ErrorCode::kBadData, "without a share above 0",
                 [&] { read("a.csv", "text,label\nab,\"" + std::string(cell) + "\"\n", columns); });
  }
}

TEST_F(DatasetTest, CutsLongTextsBeforeTheLastToken) {
  const Dataset data =
      read("a.csv", "text,label\nabcdefgh,x\nab,y\n", {"text", {"label"}, ""}, Problem::kSingleLabel, 5);
  ASSERT_EQ(data.tokens(0).size(), 5u);
  EXPECT_EQ(data.tokens(0).back(), LetterTokenizer::kLast);
  EXPECT_EQ(data.tokens(0)[3], 'c');
  EXPECT_EQ(data.cut_texts(), 1u);
}

TEST_F(DatasetTest, CountsWhatItSkips) {
  const Dataset data = read("a.csv", "text,label\n,x\n  ,y\na,x\nb,y,z\n", {"text", {"label"}, ""});
  EXPECT_EQ(data.rows(), 1);
  EXPECT_EQ(data.empty_texts(), 2u);
  EXPECT_EQ(data.rejects().at("wrong_field_count"), 1u);
}

TEST_F(DatasetTest, ReadsSeveralLabelsOfARow) {
  const Dataset cells = read("a.csv", "text,label\na,\"joy, fear\"\nb,\nc,fear\n", {"text", {"label"}, ","},
                             Problem::kMultiLabel);
  EXPECT_EQ(cells.names(), (std::vector<std::string>{"joy", "fear"}));
  EXPECT_EQ(cells.labels(0).size(), 2u);
  EXPECT_TRUE(cells.labels(1).empty());
  const Dataset columns =
      read("b.csv", "text,joy,fear\na,1,0\nb,0,true\n", {"text", {"joy", "fear"}, ""}, Problem::kMultiLabel);
  EXPECT_EQ(columns.labels(1).front(), 1);
  const Dataset list = read("c.jsonl", "{\"text\":\"a\",\"label\":[\"joy\",\"fear\"]}\n",
                            {"text", {"label"}, ""}, Problem::kMultiLabel);
  EXPECT_EQ(list.labels(0).size(), 2u);
}

TEST_F(DatasetTest, ReadsNumbersForRegression) {
  const Dataset data =
      read("a.csv", "text,label\na,-1.5\nb,2\n", {"text", {"label"}, ""}, Problem::kRegression);
  EXPECT_EQ(data.number(0), -1.5f);
  expect_error(ErrorCode::kBadData, "b.csv:3", [&] {
    read("b.csv", "text,label\na,1\nb,three\n", {"text", {"label"}, ""}, Problem::kRegression);
  });
}

TEST_F(DatasetTest, NamesWhatIsWrong) {
  expect_error(ErrorCode::kUsage, "the columns are text, label",
               [&] { read("a.csv", "text,label\na,b\n", {"text", {"lbl"}, ""}); });
  expect_error(ErrorCode::kBadData, "a.csv:2: the row has no label",
               [&] { read("a.csv", "text,label\na,\n", {"text", {"label"}, ""}); });
  expect_error(ErrorCode::kBadData, "has no field y",
               [&] { read("a.jsonl", "{\"text\":\"a\"}\n", {"text", {"y"}, ""}); });
  std::string many = "text,label\n";
  for (int k = 0; k < 1001; ++k) many += "a," + std::to_string(k) + "\n";
  expect_error(ErrorCode::kBadData, "1001 different labels",
               [&] { read("a.csv", many, {"text", {"label"}, ""}); });
}

TEST_F(DatasetTest, RenumbersAndSplits) {
  Dataset data = read("a.csv", "text,label\na,x\nb,y\nc,x\nd,y\n", {"text", {"label"}, ""});
  data.set_names({"y", "x"}, "here");
  EXPECT_EQ(data.label(0), 1);
  const std::vector<int64_t> rows = {1, 2};
  const Dataset taken = data.split_off(rows);
  EXPECT_EQ(data.rows(), 2);
  EXPECT_EQ(data.tokens(1)[1], 'd');
  EXPECT_EQ(taken.rows(), 2);
  EXPECT_EQ(taken.tokens(0)[1], 'b');
  EXPECT_EQ(taken.label(1), 1);
  expect_error(ErrorCode::kBadData, "here: the label x", [&] { data.set_names({"y"}, "here"); });
}

}  // namespace
}  // namespace valence::train
