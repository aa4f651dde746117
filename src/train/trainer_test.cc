// Whole runs on a tiny checkpoint.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "formats/checkpoint.h"
#include "formats/json.h"
#include "formats/test_support.h"
#include "train/run_folder.h"

namespace valence::train {
namespace {

using formats::ModelFiles;
using valence::testing::expect_error;
using valence::testing::read_file;
using valence::testing::TemporaryFolder;
using valence::testing::write_file;

class TrainerTest : public ::testing::Test {
 protected:
  TrainerTest() {
    std::string rows = "text,label\n";
    for (int k = 0; k < 60; ++k)
      rows += std::string(k % 2 == 0 ? "a fine day" : "a bad film") + " " + std::to_string(k % 7) + "," +
              (k % 2 == 0 ? "good" : "poor") + "\n";
    write_file(folder_ / "data.csv", rows);
    settings_.data = {(folder_ / "data.csv").string()};
    settings_.text_column = "text";
    settings_.label_column = {"label"};
    settings_.method = "full";
    settings_.batch_size = 4;
    settings_.accumulation = 2;
    settings_.epochs = 3;
    settings_.learning_rate = 1e-3;
    settings_.log_every = 1;
    settings_.threads = 2;
  }
  ModelSource source(const std::string& name = "distilbert") const {
    return {ModelFiles::from_folder(std::filesystem::path(GOLDENS) / name), {}, name};
  }
  std::string weights(const std::string& name) const {
    const bool full = settings_.method == "full";
    return read_file(folder_ / name / (full ? "model.safetensors" : "adapter_model.safetensors"));
  }
  std::vector<std::string> names(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / name))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  // How many rows of a run's word table are the bytes of its base.
  int64_t rows_of_the_base(const std::string& name) const {
    const formats::Checkpoint base = formats::Checkpoint::open(source().model);
    const formats::Checkpoint run = formats::Checkpoint::open(ModelFiles::from_folder(folder_ / name));
    const char* words = "distilbert.embeddings.word_embeddings.weight";
    const formats::TensorView &before = base.at(words), &after = run.at(words);
    const size_t row = before.bytes.size() / static_cast<size_t>(before.shape[0]);
    int64_t same = 0;
    for (size_t at = 0; at < before.bytes.size(); at += row)
      same += std::ranges::equal(before.bytes.subspan(at, row), after.bytes.subspan(at, row));
    return same;
  }
  TemporaryFolder folder_;
  Settings settings_;
};

TEST_F(TrainerTest, LearnsAndWritesItsFolder) {
  const Outcome outcome = train(settings_, source(), folder_ / "out", {});
  EXPECT_EQ(outcome.steps, 21);
  EXPECT_EQ(outcome.accuracy, 1.0);
  EXPECT_EQ(outcome.trainable, outcome.parameters);
  EXPECT_EQ(names("out"),
            (std::vector<std::string>{"README.md", "config.json", "curves.svg", "model.safetensors",
                                      "train.toml", "trainer_state.json", "vocab.txt"}));
  const auto state = formats::Json::parse(read_file(folder_ / "out" / "trainer_state.json"), "state");
  EXPECT_EQ(state.find("global_step")->as_int(""), 21);
  EXPECT_EQ(state.find("log_history")->as_array("").size(), 21u + 3u);
  const auto config = formats::Json::parse(read_file(folder_ / "out" / "config.json"), "config");
  EXPECT_EQ(config.find("id2label")->find("1")->as_string(""), "poor");
  EXPECT_TRUE(is_finished(folder_ / "out"));
}

TEST_F(TrainerTest, EveryMethodAndOptimizerLearns) {
  for (const char* method : {"lora", "qlora"}) {
    for (const char* optimizer : {"adamw", "adamw-8bit", "paged-adamw-8bit"}) {
      settings_.method = method;
      settings_.optimizer = optimizer;
      settings_.learning_rate = 5e-3;
      const std::string name = std::string(method) + optimizer;
      const Outcome outcome = train(settings_, source(), folder_ / name, {});
      EXPECT_GT(outcome.accuracy, 0.9) << name;
      EXPECT_LT(outcome.trainable, outcome.parameters);
      EXPECT_TRUE(std::filesystem::exists(folder_ / name / "adapter_config.json"));
    }
  }
}

// The rows of words that are not in the data stay those of the base; without it they decay.
TEST_F(TrainerTest, LazyWordsMoveOnlyTheRowsThatOccur) {
  settings_.method = "full";
  const auto kept_rows = [&](bool lazy) {
    settings_.lazy_words = lazy;
    const std::string name = lazy ? "lazy" : "eager";
    train(settings_, source(), folder_ / name, {});
    return rows_of_the_base(name);
  };
  const int64_t lazy = kept_rows(true), eager = kept_rows(false);
  EXPECT_GT(lazy, 0);
  EXPECT_EQ(eager, 0);
}

// At a rate of almost nothing the words stay where they are, while the layers learn.
TEST_F(TrainerTest, WordsHaveARateOfTheirOwn) {
  settings_.method = "full";
  settings_.weight_decay = 0;
  train(settings_, source(), folder_ / "same", {});
  settings_.word_learning_rate = 1e-12;
  const Outcome outcome = train(settings_, source(), folder_ / "other", {});
  EXPECT_GT(outcome.accuracy, 0.9);
  EXPECT_GT(rows_of_the_base("other"), rows_of_the_base("same"));
}

struct Stopped {};

// However often a run is killed, it ends with the same bytes.
TEST_F(TrainerTest, GoesOnToTheSameBytes) {
  for (const auto& [method, optimizer] :
       {std::pair{"full", "adamw"}, std::pair{"lora", "paged-adamw-8bit"}}) {
    settings_.method = method;
    settings_.lazy_words = settings_.method == "full";
    settings_.optimizer = optimizer;
    settings_.save_steps = 4;
    const std::string whole = std::string(method) + "-whole", parts = std::string(method) + "-parts";
    train(settings_, source(), folder_ / whole, {});
    int64_t stop = 2;
    Watch watch;
    watch.progress = [&](const Watch::Progress& p) {
      if (p.step == stop) throw Stopped();
    };
    EXPECT_THROW(train(settings_, source(), folder_ / parts, watch), Stopped);
    for (const int64_t next : {6, 9, 13, 20}) {
      stop = next;
      EXPECT_THROW(resume(settings_of_run(folder_ / parts), source(), folder_ / parts, watch), Stopped);
    }
    resume(settings_of_run(folder_ / parts), source(), folder_ / parts, {});
    EXPECT_EQ(weights(parts), weights(whole));
    EXPECT_EQ(read_file(folder_ / parts / "trainer_state.json"),
              read_file(folder_ / whole / "trainer_state.json"));
    EXPECT_EQ(names(parts), names(whole));
  }
}

// An epoch may last hours: without --save-steps a run is kept in between too.
TEST_F(TrainerTest, KeepsALongEpochInBetween) {
  Watch watch;
  watch.progress = [&](const Watch::Progress& p) {
    if (p.step == 3) throw Stopped();
  };
  EXPECT_THROW(train(settings_, source(), folder_ / "seldom", watch), Stopped);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "seldom" / "checkpoint-2"));
  watch.most_unsaved = 0;
  EXPECT_THROW(train(settings_, source(), folder_ / "often", watch), Stopped);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "often" / "checkpoint-2"));
  train(settings_, source(), folder_ / "whole", {});
  resume(settings_of_run(folder_ / "often"), source(), folder_ / "often", {});
  EXPECT_EQ(weights("often"), weights("whole"));
}

TEST_F(TrainerTest, TwoRunsDoNotShareAFolder) {
  settings_.save_steps = 1;
  Watch watch;
  bool refused = false;
  watch.progress = [&](const Watch::Progress& p) {
    if (p.step != 3) return;
    refused = true;
    expect_error(ErrorCode::kRuntime, "another run is going on",
                 [&] { resume(settings_of_run(folder_ / "out"), source(), folder_ / "out", {}); });
  };
  train(settings_, source(), folder_ / "out", watch);
  EXPECT_TRUE(refused);
}

TEST_F(TrainerTest, ThreadsChangeNoBit) {
  settings_.threads = 1;
  train(settings_, source(), folder_ / "one", {});
  settings_.threads = 3;
  train(settings_, source(), folder_ / "three", {});
  EXPECT_EQ(weights("one"), weights("three"));
}

TEST_F(TrainerTest, ItsFileRepeatsIt) {
  settings_.dropout = 0.1;
  settings_.schedule = "cosine";
  train(settings_, source(), folder_ / "out", {});
  train(settings_of_run(folder_ / "out"), source(), folder_ / "again", {});
  EXPECT_EQ(weights("out"), weights("again"));
}

TEST_F(TrainerTest, RefusesBeforeItWrites) {
  const auto refuses = [&](ErrorCode code, const std::string& part) {
    expect_error(code, part, [&] { train(settings_, source(), folder_ / "out", {}); });
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
  };
  const Settings good = settings_;
  settings_.label_column = {};
  refuses(ErrorCode::kUsage, "--label-column is missing");
  settings_ = good;
  settings_.freeze = "embeddings";
  settings_.method = "qlora";
  refuses(ErrorCode::kUsage, "--freeze embeddings needs --method full");
  settings_.freeze = "none";
  settings_.lazy_words = true;
  refuses(ErrorCode::kUsage, "--lazy-words needs --method full");
  settings_ = good;
  settings_.word_learning_rate = 1e-3;
  settings_.freeze = "embeddings";
  refuses(ErrorCode::kUsage, "--word-learning-rate needs --method full");
  settings_ = good;
  settings_.class_weights = "sometimes";
  refuses(ErrorCode::kUsage, "--class-weights: sometimes");
  settings_ = good;
  write_file(folder_ / "one.csv", "text,label\na,x\nb,x\n");
  settings_.data = {(folder_ / "one.csv").string()};
  refuses(ErrorCode::kBadData, "all rows have one class, x");
  write_file(folder_ / "empty.csv", "text,label\n ,x\n,y\n");
  settings_.data = {(folder_ / "empty.csv").string()};
  refuses(ErrorCode::kBadData, "no usable row is left, all texts are empty");
  settings_ = good;
  write_file(folder_ / "dev.csv", "text,label\na,strange\n");
  settings_.validation = (folder_ / "dev.csv").string();
  refuses(ErrorCode::kBadData, "dev.csv: the label strange");
  std::filesystem::create_directory(folder_ / "taken");
  write_file(folder_ / "taken" / "thesis.txt", "the only copy");
  settings_ = good;
  expect_error(ErrorCode::kUsage, "taken exists already",
               [&] { train(settings_, source(), folder_ / "taken", {}); });
  expect_error(ErrorCode::kNoInput, "holds no run to resume", [&] { settings_of_run(folder_ / "taken"); });
}

TEST_F(TrainerTest, RefusesWhatWouldTrainNonsense) {
  const Settings good = settings_;
  const auto refuses = [&](ErrorCode code, const std::string& part) {
    expect_error(code, part, [&] { train(settings_, source(), folder_ / "out", {}); });
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
    settings_ = good;
  };
  settings_.class_weights = "god=2";
  refuses(ErrorCode::kUsage, "--class-weights: god=2");
  settings_.class_weights = "good=2x";
  refuses(ErrorCode::kUsage, "--class-weights: good=2x");
  settings_.batch_size = settings_.accumulation = int64_t{1} << 40;
  refuses(ErrorCode::kUsage, "--batch-size times --accumulation");
  settings_.text_column = "caf\xe9";
  refuses(ErrorCode::kUsage, "not valid UTF-8");
  write_file(folder_ / "two.csv", "text,label\na,x\nb,y\n");
  settings_.data = {(folder_ / "two.csv").string()};
  settings_.validation_share = 0.9;
  refuses(ErrorCode::kBadData, "of 2 rows --validation-share leaves none to train on");
  write_file(folder_ / "header.csv", "text,label\n");
  settings_.validation = (folder_ / "header.csv").string();
  refuses(ErrorCode::kBadData, "header.csv: no usable row");
  settings_.label_column = {"label", "text"};
  settings_.problem_type = "single_label_classification";
  refuses(ErrorCode::kUsage, "several --label-column");
  write_file(folder_ / "lists.jsonl", R"({"text":"a","label":["joy","trust"]})");
  settings_.data = {(folder_ / "lists.jsonl").string()};
  refuses(ErrorCode::kBadData, "lists.jsonl:1: the row has 2 labels, expected one");
  write_file(folder_ / "shares.jsonl", R"({"text":"a","label":{"joy":0.5,"trust":0.5}})");
  settings_.data = {(folder_ / "shares.jsonl").string()};
  settings_.problem_type = "multi_label_classification";
  refuses(ErrorCode::kBadData, "shares.jsonl:1: the label is an object");
}

TEST_F(TrainerTest, ResumesWithTheSameRowsOnly) {
  settings_.save_steps = 2;
  Watch watch;
  watch.progress = [&](const Watch::Progress& p) {
    if (p.step == 3) throw Stopped();
  };
  EXPECT_THROW(train(settings_, source(), folder_ / "out", watch), Stopped);
  const std::string rows = read_file(folder_ / "data.csv");
  std::string other = rows;
  other.replace(other.rfind("poor"), 4, "good");
  write_file(folder_ / "data.csv", other);
  expect_error(ErrorCode::kBadData, "the rows are not those that the run began with",
               [&] { resume(settings_of_run(folder_ / "out"), source(), folder_ / "out", {}); });
  write_file(folder_ / "data.csv", rows);
  EXPECT_EQ(resume(settings_of_run(folder_ / "out"), source(), folder_ / "out", {}).steps, 21);
}

TEST_F(TrainerTest, AFolderIsOneRuns) {
  RunFolder one(folder_ / "out"), other(folder_ / "out");
  one.claim();
  expect_error(ErrorCode::kRuntime, "another run is going on", [&] { other.claim(); });
  write_file(folder_ / "out" / "train.toml.tmp123", "");  // of a run that was killed
  one.give_up();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST_F(TrainerTest, AStepThatIsSkippedLastIsNoReasonToFail) {
  std::string rows = "text,label\n";
  for (int k = 0; k < 7; ++k) rows += "a fine day,1\n";
  write_file(folder_ / "numbers.csv", rows + "a bad film,3e38\n");
  settings_.data = {(folder_ / "numbers.csv").string()};
  settings_.problem_type = "regression";
  settings_.shuffle = false;
  settings_.validation_share = 0;
  settings_.batch_size = settings_.accumulation = 1;
  settings_.epochs = 2;
  EXPECT_EQ(train(settings_, source(), folder_ / "out", {}).skipped_steps, 2);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / "model.safetensors"));
}

TEST_F(TrainerTest, SkipsStepsThatAreNotFiniteAndGivesUp) {
  settings_.learning_rate = 1e30;
  settings_.warmup = 0;
  std::vector<std::string> said;
  Watch watch;
  watch.say = [&](const std::string& line) { said.push_back(line); };
  expect_error(ErrorCode::kRuntime, "not finite in 5 steps in a row",
               [&] { train(settings_, source(), folder_ / "out", watch); });
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "model.safetensors"));
  EXPECT_EQ(std::ranges::count_if(
                said, [](const std::string& line) { return line.find("is skipped") != line.npos; }),
            5);
}

}  // namespace
}  // namespace valence::train
