// Training as a user does it: train, analyze, eval, merge, export, ablation.
#include <gtest/gtest.h>

#include <algorithm>

#include "formats/test_support.h"
#include "run_for_test.h"

namespace valence::app {
namespace {

using valence::testing::read_file;
using valence::testing::TemporaryFolder;
using valence::testing::write_file;

class TrainCommand : public ::testing::Test {
 protected:
  TrainCommand() {
    std::string rows = "id,text,label\n";
    for (int k = 0; k < 48; ++k) {
      rows += std::to_string(k) + (k % 2 == 0 ? ",a fine day " : ",a bad film ") + std::to_string(k % 5) +
              (k % 2 == 0 ? ",good\n" : ",poor\n");
    }
    write_file(folder_ / "data.csv", rows);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Ran train(const std::string& out, std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"train",
                                          path("data.csv"),
                                          "--label-column",
                                          "label",
                                          "--model",
                                          tiny_model("distilbert"),
                                          "-o",
                                          path(out),
                                          "--steps",
                                          "20",
                                          "--batch-size",
                                          "8",
                                          "--threads",
                                          "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_valence(arguments);
  }
  std::string logits(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"analyze", "--logits", "--format", "jsonl", "--dtype", "fp32"});
    arguments.insert(arguments.end(), {"a fine day", "a bad film 3"});
    std::string out;
    for (const formats::Json& line : lines_of(run_valence(arguments).out))
      out += line.find("logits")->dump() + "\n";
    return out;
  }
  TemporaryFolder folder_;
};

TEST_F(TrainCommand, TheModelThatItWritesAnswers) {
  const Ran ran = train("out", {"--method", "full", "--learning-rate", "1e-3"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(ran.out.empty());
  EXPECT_NE(ran.err.find("parameters are trained (100.00%)"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("step 20/20"), std::string::npos) << ran.err;
  const Ran answers =
      run_valence({"analyze", "--model", path("out"), "--format", "jsonl", "a fine day 1", "a bad film 2"});
  const std::vector<formats::Json> lines = lines_of(answers.out);
  ASSERT_EQ(lines.size(), 2u) << answers.err;
  EXPECT_EQ(text_of(lines[0], "label"), "good");
  EXPECT_EQ(text_of(lines[1], "label"), "poor");
}

TEST_F(TrainCommand, QuietSaysNothing) {
  const Ran ran = train("out", {"--method", "lora", "--quiet"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err, "");
}

TEST_F(TrainCommand, EvalComparesModels) {
  ASSERT_EQ(train("out", {"--method", "full", "--learning-rate", "1e-3", "--quiet"}).status, 0);
  ASSERT_EQ(train("weak", {"--method", "lora", "--learning-rate", "1e-6", "--quiet"}).status, 0);
  const std::vector<std::string> command = {"eval",           path("out"),      path("weak"),
                                            path("data.csv"), "--label-column", "label"};
  std::vector<std::string> json = command;
  json.push_back("--json");
  const Ran ran = run_valence(json);
  const std::vector<formats::Json> lines = lines_of(ran.out);
  ASSERT_EQ(lines.size(), 2u) << ran.err;
  EXPECT_EQ(keys_of(lines[0]),
            (std::vector<std::string>{"model", "rows", "accuracy", "macro_f1", "macro_recall", "per_class",
                                      "labels", "confusion", "ece", "p50_ms", "texts_per_second",
                                      "parameters", "peak_mb"}));
  EXPECT_EQ(lines[0].find("rows")->as_int(""), 48);
  EXPECT_GT(lines[0].find("accuracy")->as_number(""), 0.9);
  EXPECT_LT(lines[1].find("p_value")->as_number(""), 0.05);
  const Ran table = run_valence(command);
  EXPECT_NE(table.out.find("macro-F1"), std::string::npos);
  expect_refused(run_valence({"eval", tiny_model("bert"), path("data.csv"), "--label-column", "label"}), 65,
                 {"has no label", "good"});
}

TEST_F(TrainCommand, MergedAndExportedAdaptersGiveTheSameLogits) {
  ASSERT_EQ(train("adapter", {"--method", "lora", "--learning-rate", "1e-2", "--quiet"}).status, 0);
  ASSERT_EQ(run_valence({"merge", path("adapter"), "-o", path("merged")}).status, 0);
  ASSERT_EQ(run_valence({"export", path("adapter"), "-o", path("exported")}).status, 0);
  const std::string expected = logits({"--model", path("adapter")});
  EXPECT_EQ(logits({"--model", path("merged")}), expected);
  EXPECT_EQ(logits({"--model", tiny_model("distilbert"), "--adapter", path("exported")}), expected);
  expect_refused(run_valence({"merge", path("merged"), "-o", path("again")}), 2, {"is a whole model"});
  expect_refused(run_valence({"merge", path("adapter")}), 2, {"--output is missing"});
}

TEST_F(TrainCommand, ResumesAFinishedRunToNothing) {
  ASSERT_EQ(train("out", {"--quiet"}).status, 0);
  const std::string before = read_file(folder_ / "out" / "adapter_model.safetensors");
  const Ran ran = run_valence({"train", "--resume", path("out")});
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.err.find("finished already"), std::string::npos);
  EXPECT_EQ(read_file(folder_ / "out" / "adapter_model.safetensors"), before);
  expect_refused(run_valence({"train", "--resume", path("nowhere")}), 66, {"nowhere"});
}

TEST_F(TrainCommand, FlagsWinOverTheFileAndTheFileOverThePreset) {
  write_file(folder_ / "a.toml", "rank = 2\nalpha = 4\n");
  ASSERT_EQ(
      train("out", {"--preset", "qlora-distilbert", "--config", path("a.toml"), "--alpha", "6", "--quiet"})
          .status,
      0);
  const std::string toml = read_file(folder_ / "out" / "train.toml");
  for (const char* line :
       {"method = \"qlora\"\n", "rank = 2\n", "alpha = 6.0\n", "optimizer = \"paged-adamw-8bit\"\n"}) {
    EXPECT_NE(toml.find(line), std::string::npos) << line << toml;
  }
}

TEST_F(TrainCommand, NamesTheOptionThatIsWrong) {
  for (const auto& [name, value] :
       {std::pair{"--rank", "0"}, std::pair{"--learning-rate", "fast"}, std::pair{"--dropout", "2"},
        std::pair{"--method", "magic"}, std::pair{"--warmup", "-5"}, std::pair{"--targets", "no_such"},
        std::pair{"--class-weights", "sometimes"}, std::pair{"--preset", "unheard-of"}}) {
    expect_refused(train("out", {"--method", "lora", name, value}), 2, {name});
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
  }
  expect_refused(run_valence({"train", path("data.csv"), "--label-column", "label"}), 2,
                 {"--output is missing"});
}

TEST_F(TrainCommand, AblationPrintsItsTable) {
  const Ran ran = run_valence({"ablation", path("data.csv"), "--label-column", "label", "--model",
                               tiny_model("distilbert"), "--steps", "2", "--json"});
  const std::vector<formats::Json> lines = lines_of(ran.out);
  ASSERT_EQ(lines.size(), 4u) << ran.err;
  EXPECT_EQ(text_of(lines[0], "variant"), "full fp32");
  EXPECT_EQ(lines[0].find("speed")->as_number(""), 1);
  for (const formats::Json& line : lines) EXPECT_GT(line.find("peak_mb")->as_number(""), 1);
  EXPECT_LT(lines[1].find("trainable_share")->as_number(""), 1);
}

}  // namespace
}  // namespace valence::app
