#include "inputs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace valence::app {
namespace {

// A folder of its own, as the working folder of the test.
class Inputs : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("valence-inputs-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "folder");
    std::ofstream(folder_ / "reviews") << "good\n";
    std::ofstream(folder_ / "a.csv") << "text\ngood\n";
    previous_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
  }
  void TearDown() override {
    std::filesystem::current_path(previous_);
    std::filesystem::remove_all(folder_);
  }

 private:
  std::filesystem::path folder_, previous_;
};

ErrorCode code_of(const std::vector<std::string>& arguments, const std::vector<std::string>& texts = {},
                  const std::optional<std::string>& file = {}) {
  try {
    choose_input(arguments, texts, file);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kRuntime;
}

TEST_F(Inputs, ExistingFileIsAFileWhateverItsName) {
  const Input input = choose_input({"reviews"}, {}, {});
  EXPECT_EQ(input.kind, Input::Kind::kFile);
  EXPECT_EQ(input.file, "reviews");
}

TEST_F(Inputs, NameWithAFileEndingMustExist) {
  EXPECT_EQ(choose_input({"a.csv"}, {}, {}).kind, Input::Kind::kFile);
  for (const char* name : {"no.txt", "no.csv", "no.tsv", "no.jsonl", "no.ndjson", "no.csv.gz", "no.txt.zst",
                           "NO.CSV", "no.jsonl.GZ"}) {
    EXPECT_EQ(code_of({name}), ErrorCode::kNoInput) << name;
  }
}

TEST_F(Inputs, AnythingElseIsAText) {
  const std::vector<std::string> texts{"I love this", "folder", "gz", "a.pdf", "", std::string(100'000, 'x'),
                                       "--"};
  const Input input = choose_input(texts, {}, {});
  EXPECT_EQ(input.kind, Input::Kind::kTexts);
  EXPECT_EQ(input.texts, texts);
}

TEST_F(Inputs, DashIsStandardInput) {
  EXPECT_EQ(choose_input({"-"}, {}, {}).kind, Input::Kind::kStandardInput);
  EXPECT_EQ(choose_input({}, {}, "-").kind, Input::Kind::kStandardInput);
  EXPECT_EQ(file_or_stdin({}).kind, Input::Kind::kStandardInput);
}

TEST_F(Inputs, OptionsSayOutright) {
  const Input text = choose_input({}, {"a.csv", "-"}, {});
  EXPECT_EQ(text.kind, Input::Kind::kTexts);
  EXPECT_EQ(text.texts, (std::vector<std::string>{"a.csv", "-"}));
  EXPECT_EQ(choose_input({}, {}, "reviews").kind, Input::Kind::kFile);
  EXPECT_EQ(code_of({}, {}, "nowhere"), ErrorCode::kNoInput);
  EXPECT_EQ(code_of({}, {}, "folder"), ErrorCode::kNoInput);
}

TEST_F(Inputs, OneKindAndOneFileAtATime) {
  EXPECT_EQ(code_of({}), ErrorCode::kUsage);
  EXPECT_EQ(code_of({"a.csv", "reviews"}), ErrorCode::kUsage);
  EXPECT_EQ(code_of({"a.csv", "I love this"}), ErrorCode::kUsage);
  EXPECT_EQ(code_of({"-"}, {"I love this"}), ErrorCode::kUsage);
  EXPECT_EQ(code_of({"-"}, {}, "reviews"), ErrorCode::kUsage);
}

}  // namespace
}  // namespace valence::app
