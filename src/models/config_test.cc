#include "models/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace valence::models {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Config : public testing::Test {
 protected:
  Config() : folder_(testing::TempDir() + "valence_config" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~Config() override { std::filesystem::remove_all(folder_); }

  ModelConfig read(const std::string& text) {
    std::ofstream(folder_ / "config.json") << text;
    return read_config(formats::ModelFiles::from_folder(folder_));
  }
  std::string refusal(const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  std::filesystem::path folder_;
};

// A BERT with the members of `more` in front, so that they come once.
std::string bert(const std::string& more, const std::string& without = "") {
  std::string text = "{" + more;
  for (const char* member :
       {R"("model_type":"bert")", R"("vocab_size":100)", R"("hidden_size":32)", R"("num_hidden_layers":2)",
        R"("num_attention_heads":4)", R"("intermediate_size":64)", R"("max_position_embeddings":64)"}) {
    const std::string key = std::string(member).substr(0, std::string(member).find(':'));
    if (more.find(key) != more.npos || key == without) continue;
    if (text.size() > 1) text += ',';
    text += member;
  }
  return text + "}";
}

TEST_F(Config, ReadsBothSpellings) {
  const ModelConfig plain = read(bert(""));
  EXPECT_EQ(plain.family, Family::kBert);
  EXPECT_EQ(plain.head_dim(), 8);
  EXPECT_EQ(plain.max_tokens(), 64);
  EXPECT_THAT(plain.labels, ElementsAre("LABEL_0", "LABEL_1"));
  const ModelConfig distil = read(
      R"({"model_type":"distilbert","vocab_size":9,"dim":8,"n_layers":1,"n_heads":2,"hidden_dim":16,
          "max_position_embeddings":20,"id2label":{"1":"b","0":"a"},"problem_type":"regression"})");
  EXPECT_EQ(distil.type_rows, 0);
  EXPECT_THAT(distil.labels, ElementsAre("a", "b"));
  EXPECT_EQ(distil.problem, Problem::kRegression);
  const ModelConfig roberta = read(bert(R"("model_type":"xlm-roberta","max_position_embeddings":514)"));
  EXPECT_EQ(roberta.max_tokens(), 512);
}

TEST_F(Config, NamesWhatIsWrong) {
  const std::pair<std::string, const char*> cases[] = {
      {bert(R"("model_type":"mamba")"), "mamba"},
      {bert(R"("architectures":["BertForMaskedLM"])"), "no sequence classifier"},
      {bert("", R"("vocab_size")"), "vocab_size is missing"},
      {bert(R"("hidden_size":1099511627776)"), "hidden_size is 1099511627776"},
      {bert(R"("hidden_size":"wide")"), "hidden_size"},
      {bert(R"("num_hidden_layers":-1)"), "num_hidden_layers is -1"},
      {bert(R"("num_attention_heads":5)"), "not a multiple"},
      {bert(R"("num_attention_heads":0)"), "num_attention_heads is 0"},
      {bert(R"("hidden_act":"telepathy")"), "telepathy"},
      {bert(R"("layer_norm_eps":-1)"), "layer_norm_eps"},
      {bert(R"("pad_token_id":2147483648)"), "pad_token_id"},
      {bert(R"("id2label":["a"])"), "id2label"},
      {bert(R"("id2label":{})"), "id2label is empty"},
      {bert(R"("id2label":{"0":"a","7":"b"})"), "id2label has the id 7"},
      {bert(R"("id2label":{"0":"a","00":"b"})"), "each once"},
      {bert(R"("id2label":{"-1":"a","0":"b"})"), "-1"},
      {bert(R"("id2label":{"0":"a","1":"a"})"), "two classes a"},
      {bert(R"("problem_type":"guess")"), "guess"},
      {bert(R"("position_embedding_type":"relative_key")"), "relative_key"},
      {bert(R"("is_decoder":true)"), "is_decoder"},
      {bert(R"("max_position_embeddings":1)"), "no room"},
      {"[]", "expected an object"},
      {"", "config.json"},
  };
  for (const auto& [text, said] : cases) EXPECT_THAT(refusal(text), HasSubstr(said)) << text;
}

TEST_F(Config, TheTokenizerMayShortenTheInput) {
  const ModelConfig config = read(bert(""));
  const auto files = formats::ModelFiles::from_folder(folder_);
  EXPECT_EQ(longest_input(files, config), 64);
  std::ofstream(folder_ / "tokenizer_config.json")
      << R"({"model_max_length":1000000000000000019884624838656})";
  EXPECT_EQ(longest_input(files, config), 64);
  std::ofstream(folder_ / "tokenizer_config.json") << R"({"model_max_length":16})";
  EXPECT_EQ(longest_input(files, config), 16);
}

}  // namespace
}  // namespace valence::models
