#include "text/marian_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/json.h"
#include "formats/test_support.h"

namespace valence::text {
namespace {

using formats::Json;
using formats::ModelFiles;
using ::testing::ElementsAre;
using testing::expect_error;
using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;

// tools/make_marian_goldens.py
const std::filesystem::path kFolder = std::filesystem::path(GOLDENS) / "../translation";

std::vector<int32_t> ids_of(const Json& row) {
  std::vector<int32_t> ids;
  for (const Json& id : row.as_array("ids")) ids.push_back(static_cast<int32_t>(id.as_int("id")));
  return ids;
}

TEST(MarianTokenizer, GivesTheIdsOfTheReferenceAndReadsThem) {
  const auto tokenizer = MarianTokenizer::load(ModelFiles::from_folder(kFolder));
  const Json golden = Json::parse(read_file(kFolder / "golden.json"), "golden.json");
  const Json::Array& texts = golden.find("texts")->as_array("texts");
  const Json::Array& tokens = golden.find("tokens")->as_array("tokens");
  for (size_t k = 0; k < texts.size(); ++k) {
    const std::string& text = texts[k].as_string("text");
    std::vector<int32_t> ids;
    tokenizer->encode(text, ids);
    EXPECT_EQ(ids, ids_of(tokens[k])) << text;
    const Encoding encoding = tokenizer->encode_with_offsets(text);
    EXPECT_EQ(encoding.ids, ids) << text;
    for (size_t i = 0; i + 2 < ids.size(); ++i)
      EXPECT_LE(encoding.offsets[i].end, encoding.offsets[i + 1].begin) << text;
  }
  for (const auto& [name, setting] : golden.find("settings")->as_object("settings")) {
    const Json::Array& rows = setting.find("ids")->as_array("ids");
    const Json::Array& read = setting.find("read")->as_array("read");
    for (size_t k = 0; k < rows.size(); ++k) {
      EXPECT_EQ(tokenizer->decode(ids_of(rows[k])), read[k].as_string("read")) << name << " " << k;
    }
  }
}

TEST(MarianTokenizer, TakesALeadingCodeAsOneToken) {
  const auto tokenizer = MarianTokenizer::load(ModelFiles::from_folder(kFolder));
  const Encoding encoding = tokenizer->encode_with_offsets(">>eng<< merci");
  EXPECT_EQ(tokenizer->token(encoding.ids.front()), ">>eng<<");
  EXPECT_EQ(encoding.offsets.front(), (Offset{0, 7}));
  EXPECT_EQ(encoding.offsets.back(), (Offset{0, 0}));
  EXPECT_EQ(encoding.offsets[encoding.offsets.size() - 2].end, 13u);
}

TEST(MarianTokenizer, RefusesFoldersThatLackAFileOrHoldADamagedOne) {
  const std::string names[] = {"source.spm", "target.spm", "vocab.json"};
  for (const std::string& broken : names) {
    const TemporaryFolder folder;
    write_file(folder / "config.json", R"({"model_type": "marian"})");
    for (const std::string& name : names) {
      if (name != broken) write_file(folder / name, read_file(kFolder / name));
    }
    const ModelFiles files = ModelFiles::from_folder(folder.path());
    EXPECT_TRUE(MarianTokenizer::is_in(files));
    expect_error(ErrorCode::kBadData, broken, [&] { Tokenizer::load(files); });
    for (const std::string& content : {std::string(), std::string(5000, '\xff'), std::string("{}")}) {
      write_file(folder / broken, content);
      expect_error(ErrorCode::kBadData, broken, [&] { Tokenizer::load(files); });
    }
  }
}

}  // namespace
}  // namespace valence::text
