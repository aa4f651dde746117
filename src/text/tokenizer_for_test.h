// Shared by the tests of this room: the fixtures of tools/make_tokenizer_goldens.py, and small tokenizers
// written in the test itself.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json.h"
#include "formats/test_support.h"
#include "text/loaders.h"
#include "text/random_texts_for_test.h"
#include "text/tokenizer.h"

namespace valence::text {

inline std::filesystem::path golden_path(std::string_view name) {
  return std::filesystem::path(GOLDENS) / name;
}

inline formats::Json read_golden(std::string_view name) {
  return formats::Json::parse(valence::testing::read_file(golden_path(name)), std::string(name));
}

// Every folder of the fixtures; "default" is the model in the tree.
inline const std::vector<std::string>& fixture_names() {
  static const std::vector<std::string> names = {"bert-uncased",
                                                 "bert-uncased-json",
                                                 "bert-cased",
                                                 "bert-cased-json",
                                                 "default",
                                                 "roberta",
                                                 "roberta-json",
                                                 "roberta-prefix",
                                                 "roberta-prefix-json",
                                                 "spm-unigram",
                                                 "spm-unigram-unknown",
                                                 "spm-bpe",
                                                 "spm-bpe-suffix",
                                                 "xlmr",
                                                 "xlmr-json",
                                                 "xlmr-json-charsmap",
                                                 "deberta"};
  return names;
}

// A fixture's name as that of a test.
inline std::string fixture_test_name(const ::testing::TestParamInfo<std::string>& fixture) {
  std::string name = fixture.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

inline std::unique_ptr<Tokenizer> load_fixture(const std::string& name) {
  const auto folder = name == "default" ? std::filesystem::path(MODELS) / name : golden_path(name);
  return Tokenizer::load(formats::ModelFiles::from_folder(folder));
}

inline std::vector<std::string> golden_texts() {
  const formats::Json json = read_golden("texts.json");
  std::vector<std::string> texts;
  for (const formats::Json& text : json.as_array("texts")) texts.push_back(text.as_string("texts"));
  return texts;
}

inline std::vector<int32_t> ids_of(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  tokenizer.encode(text, ids);
  return ids;
}

// What a golden row says; see tools/make_tokenizer_goldens.py for the form of its offsets.
struct GoldenRow {
  std::vector<int32_t> ids;
  std::vector<Offset> offsets;
  bool has_ids = false, has_offsets = false;
};

inline GoldenRow read_row(const formats::Json& json) {
  GoldenRow row;
  if (json.is_null()) return row;
  const formats::Json::Array& parts = json.as_array("row");
  row.has_ids = true;
  for (const formats::Json& id : parts.at(0).as_array("ids")) {
    row.ids.push_back(static_cast<int32_t>(id.as_int("id")));
  }
  if (parts.size() < 2) return row;
  row.has_offsets = true;
  const formats::Json::Array& deltas = parts[1].as_array("offsets");
  int64_t end = 0;
  for (size_t i = 0; i + 1 < deltas.size(); i += 2) {
    const int64_t begin = end + deltas[i].as_int("offset");
    end = begin + deltas[i + 1].as_int("offset");
    row.offsets.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
  }
  return row;
}

inline std::vector<std::pair<uint32_t, uint32_t>> pairs(const std::vector<Offset>& offsets) {
  std::vector<std::pair<uint32_t, uint32_t>> out;
  for (const Offset& offset : offsets) out.emplace_back(offset.begin, offset.end);
  return out;
}

// Both ways of the tokenizer must give what the reference gives.
inline void expect_row(const Tokenizer& tokenizer, const std::string& text, const GoldenRow& row) {
  SCOPED_TRACE("text: " + ::testing::PrintToString(text));
  const Encoding encoding = tokenizer.encode_with_offsets(text);
  if (row.has_ids) {
    EXPECT_EQ(encoding.ids, row.ids);
    EXPECT_EQ(ids_of(tokenizer, text), row.ids);
  }
  if (row.has_offsets) {
    EXPECT_EQ(pairs(encoding.offsets), pairs(row.offsets));
  }
}

// A tokenizer.json of one model and further members, each `,"name":value`.
inline std::string tokenizer_json(const std::string& model, const std::string& members = "") {
  return R"({"version":"1.0","model":)" + model + members + "}";
}

inline std::unique_ptr<Tokenizer> from_json(const std::string& model, const std::string& members = "") {
  return load_tokenizer_json(tokenizer_json(model, members), "tokenizer.json");
}

}  // namespace valence::text
