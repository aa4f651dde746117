#include "pipeline/translator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/json.h"
#include "formats/test_support.h"

namespace valence::pipeline {
namespace {

using formats::Json;
using formats::ModelFiles;
using testing::expect_error;
using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;

// A tiny model and what transformers generates with it (tools/make_marian_goldens.py).
const std::filesystem::path kFolder = std::filesystem::path(GOLDENS) / "../translation";

void copy_model(const TemporaryFolder& folder, const std::string& without = "") {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename().string();
    if (name != without) write_file(folder / name, read_file(entry.path()));
  }
}

Json golden() { return Json::parse(read_file(kFolder / "golden.json"), "golden.json"); }

std::vector<std::string> golden_texts() {
  std::vector<std::string> texts;
  const Json reference = golden();
  for (const Json& text : reference.find("texts")->as_array("texts")) texts.push_back(text.as_string("text"));
  return texts;
}

std::vector<int32_t> ids_of(const Json& row) {
  std::vector<int32_t> ids;
  for (const Json& id : row.as_array("ids")) ids.push_back(static_cast<int32_t>(id.as_int("id")));
  return ids;
}

TEST(Translator, GeneratesTheIdsOfTheReferenceWithEachSetting) {
  const Json reference = golden();
  const std::vector<std::string> texts = golden_texts();
  for (const auto& [name, setting] : reference.find("settings")->as_object("settings")) {
    const TemporaryFolder folder;
    copy_model(folder);
    write_file(folder / "generation_config.json", setting.find("config")->dump());
    const auto translator = Translator::load(ModelFiles::from_folder(folder.path()), {});
    const std::vector<Translation> translations = translator->translate(texts, 1);
    const Json::Array& rows = setting.find("ids")->as_array("ids");
    const Json::Array& read = setting.find("read")->as_array("read");
    for (size_t k = 0; k < texts.size(); ++k) {
      EXPECT_EQ(translations[k].ids, ids_of(rows[k])) << name << ": " << texts[k];
      EXPECT_EQ(translations[k].text, read[k].as_string("read")) << name << ": " << texts[k];
    }
  }
}

TEST(Translator, GivesATextTheSameTranslationWhateverStandsBesideIt) {
  std::vector<std::string> texts;
  for (int round = 0; round < 12; ++round) {
    for (const std::string& text : golden_texts()) texts.push_back(text);
  }
  for (const auto type : {backend::WeightType::kFp32, backend::WeightType::kInt8}) {
    const auto translator = Translator::load(ModelFiles::from_folder(kFolder), {type, 4, 20});
    const std::vector<Translation> together = translator->translate(texts, 1),
                                   shared = translator->translate(texts, 3);
    for (size_t k = 0; k < texts.size(); ++k) {
      EXPECT_EQ(together[k].ids, shared[k].ids) << texts[k];
      EXPECT_EQ(together[k].ids, translator->translate({&texts[k], 1}, 1 + k % 2).front().ids) << texts[k];
    }
  }
}

TEST(Translator, AnswersBlankTextsAndCutsLongOnes) {
  const auto translator = Translator::load(ModelFiles::from_folder(kFolder), {});
  std::string longer;
  for (int k = 0; k < 100; ++k) longer += "la soupe ";
  const std::vector<std::string> texts = {"", " \t", longer};
  const std::vector<Translation> translations = translator->translate(texts, 2);
  EXPECT_EQ(translations[0].text, "");
  EXPECT_EQ(translations[0].status, TranslationStatus::kEmpty);
  EXPECT_TRUE(translations[1].ids.empty());
  EXPECT_NE(translations[2].status, TranslationStatus::kOk);
  EXPECT_TRUE(
      Translator::load(ModelFiles::from_folder(kFolder), {{}, 1, 1})->translate(texts, 1)[2].ids.empty());
}

TEST(Translator, RefusesWeightsAndSettingsThatCannotBe) {
  const TemporaryFolder folder;
  copy_model(folder, "model.safetensors");
  const auto load = [&] { Translator::load(ModelFiles::from_folder(folder.path()), {}); };
  expect_error(ErrorCode::kBadData, "weights", load);
  const std::string weights = read_file(kFolder / "model.safetensors");
  write_file(folder / "model.safetensors", weights.substr(0, weights.size() / 2));
  expect_error(ErrorCode::kBadData, "model.safetensors", load);
  write_file(folder / "model.safetensors", weights);
  const std::string config = read_file(kFolder / "config.json");
  const auto with = [&](const std::string& key, const std::string& value) {
    const size_t at = config.find("\"" + key + "\":") + key.size() + 3;
    std::string changed = config;
    changed.replace(at, config.find_first_of(",\n", at) - at, value);
    write_file(folder / "config.json", changed);
  };
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"d_model", "-1"},
                                                        {"d_model", "100000000"},
                                                        {"eos_token_id", "99999999"},
                                                        {"decoder_attention_heads", "5"},
                                                        {"activation_function", "\"x\""}}) {
    with(key, value);
    expect_error(ErrorCode::kBadConfig, key, load);
  }
  with("decoder_layers", "3");
  expect_error(ErrorCode::kBadData, "decoder.layers.2", load);
}

}  // namespace
}  // namespace valence::pipeline
