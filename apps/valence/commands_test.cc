// The commands beside analyze: tokenize, pull, models, convert, quantize, doctor, bench.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/test_support.h"
#include "run_for_test.h"

namespace valence::app {
namespace {

using formats::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;

const Environment kOffline{{"HF_HUB_OFFLINE", "1"}, {"HF_HOME", "/nonexistent"}};

std::string analyze(const std::string& model, const std::string& more = "") {
  const Ran ran = run_shell("\"$0\" analyze --quiet --logits --format jsonl " + more + " --model '" + model +
                            "' 'a good day'");
  EXPECT_EQ(ran.status, 0) << ran.err;
  return ran.out;
}

std::string output_of(std::vector<std::string> arguments, const std::string& input = "") {
  const Ran ran = run_valence(arguments, input, kOffline);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  return ran.out;
}

// --- tokenize

TEST(Tokenize, GivesIdsTokensAndOffsetsOfEachLine) {
  const std::string model = tiny_model("bert");
  const std::string json = output_of({"tokenize", "--model", model, "-"}, "a good days\n\nbad");
  EXPECT_EQ(json, R"({"ids":[2,20,5,8,9,3],"tokens":["[CLS]","a","good","day","##s","[SEP]"],)"
                  R"("offsets":[[0,0],[0,1],[2,6],[7,10],[10,11],[0,0]]})"
                  "\n"
                  R"({"ids":[2,3],"tokens":["[CLS]","[SEP]"],"offsets":[[0,0],[0,0]]})"
                  "\n"
                  R"({"ids":[2,6,3],"tokens":["[CLS]","bad","[SEP]"],"offsets":[[0,0],[0,3],[0,0]]})"
                  "\n");
  EXPECT_EQ(output_of({"tokenize", "--model", model, "--format", "count"}, "a good days\n\nbad\n"),
            "6\n2\n3\n");
  const TemporaryFolder folder;
  write_file(folder / "in", "bad\n");
  const std::string ids =
      output_of({"tokenize", "--model", model, "--format", "ids", (folder / "in").string()});
  EXPECT_THAT(ids, ::testing::MatchesRegex("[^0-9]*2[^0-9]+6[^0-9]+3[^0-9]*"));
}

TEST(Tokenize, NeedsNoWeights) {
  const TemporaryFolder folder;
  for (const char* name : {"config.json", "vocab.txt"}) {
    write_file(folder / name, read_file(tiny_model("bert") + "/" + name));
  }
  EXPECT_EQ(output_of({"tokenize", "--model", folder.path().string(), "--format", "count"}, "good\n"), "3\n");
  expect_refused(run_valence({"tokenize", "--model", folder.path().string(), "nowhere.txt"}), 66,
                 {"nowhere.txt"});
  expect_refused(run_valence({"tokenize", "--model", "/not/here"}, "", kOffline), 69, {"/not/here"});
}

// --- pull and models

TEST(Pull, RefusesNamesThatAreNone) {
  for (const char* name :
       {"../../etc", "org/../..", "a/b/c", "/etc", "org\\name", "org/good@../../x", "--"}) {
    expect_refused(run_valence({"pull", "--", name}, "", kOffline), 2, {"expected org/name"});
  }
  expect_refused(run_valence({"pull"}), 2, {"MODEL is missing"});
  expect_refused(run_valence({"pull", "org/name"}, "", kOffline), 69, {"org/name"});
}

TEST(Models, ListsTheEmbeddedOnesFirstAndWhatIsOffered) {
  const std::vector<Json> models = lines_of(output_of({"models", "--json"}));
  ASSERT_GE(models.size(), 4u);
  EXPECT_EQ(text_of(models[0], "name"), "default");
  EXPECT_EQ(text_of(models[1], "name"), "multilingual");
  EXPECT_EQ(text_of(models[0], "state"), "embedded");
  EXPECT_TRUE(models[0].find("bundled")->as_bool("bundled"));
  EXPECT_THAT(models[0].find("labels")->as_array("labels").size(), 3u);
  const std::string text = output_of({"models"});
  for (const Json& model : models) {
    EXPECT_THAT(text, HasSubstr(text_of(model, "name")));
    EXPECT_THAT(text_of(model, "licence"), ::testing::Not(""));
  }
}

TEST(Models, ListsWhatIsInTheCache) {
  const TemporaryFolder home;
  const std::string commit = "0123456789abcdef0123456789abcdef01234567";
  const std::filesystem::path repository = home / "hub/models--org--tiny";
  std::filesystem::create_directories(repository / "snapshots");
  std::filesystem::copy(tiny_model("bert"), repository / "snapshots" / commit);
  write_file(repository / "refs/main", commit);
  const Environment environment{{"HF_HUB_OFFLINE", "1"}, {"HF_HOME", home.path().string()}};
  const std::vector<Json> models = lines_of(run_valence({"models", "--json"}, "", environment).out);
  const Json& cached = models.at(2);  // behind those that the program carries
  EXPECT_EQ(text_of(cached, "name"), "org/tiny");
  EXPECT_EQ(text_of(cached, "revision"), commit);
  EXPECT_EQ(text_of(cached, "state"), "cached");
  const Ran ran = run_valence({"analyze", "--provenance", "--model", "org/tiny", "good"}, "", environment);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(commit));
}

TEST(Adapters, ListsTheEmbeddedOnesWhichAnswerAsTasks) {
  std::string tasks = "sentiment";
  for (const Json& adapter : lines_of(output_of({"adapters", "--json"}))) {
    if (!adapter.find("bundled")->as_bool("bundled")) continue;
    EXPECT_EQ(text_of(adapter, "base"), "default");
    EXPECT_FALSE(adapter.find("labels")->as_array("labels").empty());
    tasks.append(",").append(text_of(adapter, "name"));
  }
  EXPECT_EQ(tasks, "sentiment,emotion,irony,offensive,sentiment-2,sentiment-5");
  const Json row =
      lines_of(output_of({"analyze", "--format", "jsonl", "--tasks", tasks, "I love this"})).at(0);
  for (const char* task : {"emotion", "irony", "offensive", "sentiment-2", "sentiment-5"})
    EXPECT_NE(row.find("tasks")->find(task), nullptr) << task;
  expect_refused(run_valence({"analyze", "--tasks", "iron", "good"}), 2, {"iron is unknown", "irony"});
}

// --- convert and quantize

TEST(Convert, GivesTheSameAnswers) {
  const TemporaryFolder folder;
  const std::string out = (folder / "out").string();
  EXPECT_EQ(output_of({"convert", tiny_model("bert"), "-o", out}), "");
  EXPECT_EQ(analyze(out), analyze(tiny_model("bert")));
  expect_refused(run_valence({"convert", tiny_model("bert"), "-o", out}), 2, {out});
  expect_refused(run_valence({"convert", tiny_model("bert")}), 2, {"--output"});
  expect_refused(run_valence({"convert", tiny_model("bert"), "-o", (folder / "none/out").string()}), 1,
                 {"none"});
  expect_refused(run_valence({"convert", "/not/here", "-o", out}, "", kOffline), 69, {"/not/here"});
}

TEST(Quantize, WritesFoldersThatLoadAgain) {
  const TemporaryFolder folder;
  const std::string source = tiny_model("distilbert");
  for (const char* dtype : {"int8", "nf4"}) {
    const std::string out = (folder / dtype).string();
    EXPECT_EQ(output_of({"quantize", source, "--dtype", dtype, "-o", out}), "");
    EXPECT_LT(std::filesystem::file_size(out + "/model.safetensors"),
              std::filesystem::file_size(source + "/model.safetensors"));
    const Json row = lines_of(analyze(out, "--provenance"))[0];
    EXPECT_EQ(text_of(*row.find("model"), "dtype"), dtype);
    expect_refused(run_valence({"quantize", out, "--dtype", dtype, "-o", out + "-again"}), 65,
                   {"quantized already"});
  }
  // Words in 4 bits beside matrices in 8.
  const std::string mixed = (folder / "mixed").string();
  EXPECT_EQ(output_of({"quantize", source, "--dtype", "int8", "--words", "nf4", "-o", mixed}), "");
  EXPECT_EQ(text_of(*lines_of(analyze(mixed, "--provenance"))[0].find("model"), "dtype"), "int8");
  const std::string out = (folder / "out").string();
  expect_refused(run_valence({"quantize", source, "-o", out}), 2, {"--dtype", "int8 or nf4"});
  expect_refused(run_valence({"quantize", source, "--dtype", "fp32", "-o", out}), 2, {"got 'fp32'"});
  expect_refused(run_valence({"quantize", source, "--dtype", "int8"}), 2, {"--output"});
  expect_refused(run_shell("cd '" + tiny_model("") +
                           "' && \"$0\" quantize lora-distilbert --dtype int8 -o '" + out + "'"),
                 2, {"lora-distilbert is an adapter"});
  EXPECT_FALSE(std::filesystem::exists(out));
}

// --- doctor and bench

TEST(Doctor, SaysWhatTheMachineCanDo) {
  const Json report = lines_of(output_of({"doctor", "--json"})).at(0);
  EXPECT_THAT(keys_of(report),
              ElementsAre("version", "processor", "cores", "memory", "caches", "instruction_sets", "kernels",
                          "products", "peak_of_a_core", "gpu", "default_model", "model_cache"));
  EXPECT_GE(report.find("cores")->find("usable")->as_int("usable"), 1);
  EXPECT_GT(report.find("peak_of_a_core")->find("fp32_gflops")->as_number("fp32"), 0);
  EXPECT_EQ(report.find("instruction_sets")->as_array("sets").at(0).as_string("set"), "scalar");
  const std::string text = output_of({"doctor"});
  for (const std::string& key : keys_of(report)) {
    EXPECT_THAT(text, HasSubstr(key.substr(0, key.find('_')))) << key;
  }
}

TEST(Doctor, TakesTheKernelsOfTheEnvironment) {
  const Ran ran = run_valence({"doctor", "--json"}, "", {{"VALENCE_CPU_ISA", "scalar"}});
  EXPECT_EQ(text_of(lines_of(ran.out).at(0), "kernels"), "scalar");
  expect_refused(run_valence({"doctor"}, "", {{"VALENCE_CPU_ISA", "mmx"}}), 2, {"VALENCE_CPU_ISA", "mmx"});
}

TEST(Bench, MeasuresAgainstTheLimit) {
  const std::string model = tiny_model("bert");
  const Json report =
      lines_of(output_of({"bench", "--json", "--model", model, "--threads", "1", "--seconds", "1"})).at(0);
  const Json& speed = report.find("speeds")->as_array("speeds").at(0);
  EXPECT_EQ(text_of(speed, "dtype"), "fp32");
  EXPECT_GT(speed.find("share_of_limit")->as_number("share"), 0);
  EXPECT_GT(report.find("one_text")->find("p50_ms")->as_number("p50"), 0);
  expect_refused(run_valence({"bench", "--model", model, "-"}, "\n\n"), 65, {"no usable text"});
  expect_refused(run_valence({"bench", "nowhere.txt"}), 66, {"nowhere.txt"});
}

}  // namespace
}  // namespace valence::app
