// Ids and offsets of whole tokenizers, as their libraries give them.
#include <gtest/gtest.h>

#include "text/tokenizer_for_test.h"

namespace valence::text {
namespace {

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, GivesTheIdsAndOffsetsOfTheReference) {
  const auto tokenizer = load_fixture(GetParam());
  const std::vector<std::string> texts = golden_texts();
  const formats::Json golden = read_golden(GetParam() + "/golden.json");
  const formats::Json::Array& rows = golden.as_array("rows");
  ASSERT_EQ(rows.size(), texts.size());
  for (size_t i = 0; i < rows.size(); ++i) expect_row(*tokenizer, texts[i], read_row(rows[i]));
}

// The texts of the goldens hold all scripts, so a rule that lost them would go unnoticed without this.
TEST_P(Golden, HasRowsThatSaySomething) {
  const formats::Json golden = read_golden(GetParam() + "/golden.json");
  size_t rows = 0, tokens = 0;
  for (const formats::Json& json : golden.as_array("rows")) {
    const GoldenRow row = read_row(json);
    rows += row.has_ids;
    tokens += row.ids.size();
  }
  EXPECT_GT(rows, 90u);
  EXPECT_GT(tokens, 800u);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Golden, ::testing::ValuesIn(fixture_names()), fixture_test_name);

// What stands between two texts, and the type of the second; tools/make_pair_goldens.py.
TEST(Pairs, AreJoinedAsByTheReference) {
  const formats::Json golden = read_golden("pairs.json");
  for (const auto& [name, expected] : golden.as_object("pairs")) {
    const std::optional<PairTemplate> joint = load_fixture(name)->pair_template();
    ASSERT_TRUE(joint) << name;
    std::vector<int32_t> between;
    for (const formats::Json& id : expected.find("between")->as_array("between"))
      between.push_back(static_cast<int32_t>(id.as_int("id")));
    EXPECT_EQ(joint->between, between) << name;
    EXPECT_EQ(joint->typed, expected.find("typed")->as_bool("typed")) << name;
  }
  EXPECT_FALSE(load_fixture("xlmr-json")->pair_template()) << "its template joins texts in another way";
}

// Each stage of a tokenizer.json alone; tools/stage_goldens.py says how a stage is made visible.
TEST(Stages, GiveTheIdsAndOffsetsOfTheReference) {
  const formats::Json golden = read_golden("stages.json");
  const formats::Json::Array& cases = golden.find("cases")->as_array("cases");
  ASSERT_GT(cases.size(), 90u);
  for (const formats::Json& one : cases) {
    SCOPED_TRACE(one.find("name")->as_string("name"));
    const formats::Json* model = one.find("model");
    if (model->is_string()) model = golden.find("models")->find(model->as_string("model"));
    std::string members;
    for (const char* name : {"normalizer", "pre_tokenizer", "post_processor", "added_tokens"}) {
      if (const formats::Json* part = one.find(name)) {
        members += ",\"" + std::string(name) + "\":" + part->dump();
      }
    }
    const auto tokenizer = from_json(model->dump(), members);
    const std::string& list = one.find("texts")->as_string("texts");
    const formats::Json::Array& texts = golden.find("texts")->find(list)->as_array("texts");
    const formats::Json::Array& rows = one.find("rows")->as_array("rows");
    ASSERT_EQ(rows.size(), texts.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      expect_row(*tokenizer, texts[i].as_string("text"), read_row(rows[i]));
    }
  }
}

}  // namespace
}  // namespace valence::text
