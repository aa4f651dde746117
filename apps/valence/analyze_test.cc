// valence analyze, as a user runs it: texts, options, models, mistakes. Files: analyze_files_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/test_support.h"
#include "run_for_test.h"

namespace valence::app {
namespace {

using formats::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TemporaryFolder;
using testing::write_file;

// The results of `arguments` behind "analyze --quiet --format jsonl"; nothing may go wrong.
std::vector<Json> analyze(std::vector<std::string> arguments, const std::string& input = "",
                          Environment environment = {}) {
  environment.try_emplace("VALENCE_MODEL", tiny_model("bert"));
  arguments.insert(arguments.begin(), {"analyze", "--quiet", "--format", "jsonl"});
  const Ran ran = run_valence(arguments, input, environment);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  return lines_of(ran.out);
}

TEST(Analyze, AnswersTextsWithoutANetworkOrAModel) {
  const Environment offline{
      {"HF_HUB_OFFLINE", "1"}, {"HF_HOME", "/nonexistent"}, {"VALENCE_MODEL", "default"}};
  const std::vector<Json> rows = analyze({"I love this", "worst day ever"}, "", offline);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(keys_of(rows[0]),
              ElementsAre("line", "label", "score", "scores", "polarity", "tokens", "windows", "truncated"));
  EXPECT_EQ(text_of(rows[0], "label"), "positive");
  EXPECT_EQ(text_of(rows[1], "label"), "negative");
  EXPECT_GT(rows[0].find("polarity")->as_number("polarity"), 0);
  EXPECT_EQ(rows[1].find("line")->as_int("line"), 2);
  const Json* scores = rows[0].find("scores");
  EXPECT_THAT(keys_of(*scores), ElementsAre("negative", "neutral", "positive"));
  double sum = 0;
  for (const auto& [label, score] : scores->as_object("scores")) sum += score.as_number(label);
  EXPECT_NEAR(sum, 1, 1e-4);
}

TEST(Analyze, TextsArriveAsTheyWereTyped) {
  // Each means something to a parser of command lines, and nothing to a user.
  const std::vector<std::string> odd{"[so, sad]", "++", "pull", "analyze", "a=b", "\\", "%s", "{}"};
  std::string lines;
  for (const std::string& text : odd) lines += text + "\n";
  const std::vector<Json> typed = analyze(odd), read = analyze({"-"}, lines);
  ASSERT_EQ(typed.size(), odd.size());
  for (size_t i = 0; i < odd.size(); ++i) EXPECT_EQ(typed[i].dump(), read[i].dump()) << odd[i];
  EXPECT_EQ(analyze({"--", "-_-", "--quiet"}).size(), 2u);
  EXPECT_EQ(analyze({"--text", "-_-", "--text=[a]"}).size(), 2u);
}

TEST(Analyze, ShowsSentencesAndTheWordsThatCount) {
  const std::string text = "I love it 😀. I hate it.";
  const std::vector<Json> rows =
      analyze({"--sentences", "--explain", text}, "", {{"VALENCE_MODEL", "default"}});
  ASSERT_EQ(rows.size(), 1u);
  const auto& sentences = rows[0].find("sentences")->as_array("sentences");
  ASSERT_EQ(sentences.size(), 2u);
  EXPECT_EQ(text_of(sentences[1], "text"), "I hate it.");
  EXPECT_EQ(sentences[1].find("offset")->as_int("offset"), 13);
  EXPECT_EQ(text_of(sentences[1], "label"), "negative");
  const auto& words = rows[0].find("explanation")->as_array("explanation");
  ASSERT_EQ(words.size(), 7u);
  EXPECT_EQ(text_of(words[3], "text"), "😀");
  EXPECT_EQ(run_valence({"analyze", "--explain", "--format", "csv", text}).status, 2);
}

TEST(Analyze, EmptyTextIsRejected) {
  for (const std::string text : {"", "--text=", "--text= "}) {
    const Ran ran =
        run_valence({"analyze", "--quiet", "--format", "jsonl", "--model", tiny_model("bert"), text});
    EXPECT_EQ(ran.status, 3);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(text_of(lines_of(ran.err).at(0), "reason"), "empty_text");
  }
}

TEST(Analyze, OptionsChangeTheResult) {
  const Json plain = analyze({"a good day"})[0];
  const Json logits = analyze({"--logits", "a good day"})[0];
  EXPECT_EQ(logits.find("logits")->as_array("logits").size(), 3u);
  EXPECT_EQ(text_of(logits, "label"), text_of(plain, "label"));
  const Json best = analyze({"--top-k", "1", "a good day"})[0];
  EXPECT_THAT(keys_of(*best.find("scores")), ElementsAre(text_of(plain, "label")));
  EXPECT_EQ(analyze({"--top-k", "9", "a good day"})[0].find("scores")->as_object("scores").size(), 3u);
  // 400 letters are more than the 48 tokens of this model.
  std::string text;
  for (int k = 0; k < 400; ++k) text += "a ";
  EXPECT_GT(analyze({text})[0].find("windows")->as_int("windows"), 1);
  const Json cut = analyze({"--long", "truncate", text})[0];
  EXPECT_EQ(cut.find("windows")->as_int("windows"), 1);
  EXPECT_TRUE(cut.find("truncated")->as_bool("truncated"));
  EXPECT_EQ(cut.find("tokens")->as_int("tokens"), 402);
  EXPECT_EQ(
      run_valence({"analyze", "--quiet", "--long", "error", "--model", tiny_model("bert"), text}).status, 3);
  // A link becomes http, which is one token.
  const auto tokens = [](const char* social) {
    return analyze({"--social", social, "http://a/b good"})[0].find("tokens")->as_int("tokens");
  };
  EXPECT_NE(tokens("on"), tokens("off"));
  EXPECT_EQ(tokens("auto"), tokens("off"));
}

TEST(Analyze, EveryTypeAndThreadCountGivesItsOwnAnswerAgain) {
  for (const char* dtype : {"fp32", "bf16", "int8", "nf4"}) {
    const auto run = [&](const char* threads) {
      return analyze({"--logits", "--provenance", "--dtype", dtype, "--threads", threads, "a good day"})[0];
    };
    const Json one = run("1");
    EXPECT_EQ(one.dump(), run("3").dump());
    EXPECT_EQ(text_of(*one.find("model"), "dtype"), dtype);
  }
}

TEST(Analyze, ProvenanceSaysWhereAnAnswerComesFrom) {
  const Json row = analyze({"--provenance", "--threads", "1", "good"}, "", {{"VALENCE_MODEL", "default"}})[0];
  const Json* model = row.find("model");
  ASSERT_NE(model, nullptr);
  EXPECT_THAT(keys_of(*model), ElementsAre("name", "revision", "sha256", "adapter", "dtype", "device"));
  EXPECT_EQ(text_of(*model, "name"), "default");
  EXPECT_EQ(text_of(*model, "sha256").size(), 64u);
}

TEST(Analyze, EveryOptionHasATwinInTheEnvironment) {
  const auto run = [](std::vector<std::string> more, Environment environment) {
    more.insert(more.begin(), "analyze");
    environment["VALENCE_MODEL"] = tiny_model("bert");
    environment["VALENCE_QUIET"] = "1";
    return run_valence(more, "", environment);
  };
  const Ran csv = run({"good"}, {{"VALENCE_FORMAT", "csv"}});
  EXPECT_EQ(csv.err, "");
  EXPECT_THAT(csv.out, StartsWith("line,text,label"));
  // The command line comes first, and an empty variable is none.
  EXPECT_THAT(run({"good", "--format", "jsonl"}, {{"VALENCE_FORMAT", "csv"}}).out, StartsWith("{"));
  EXPECT_THAT(run({"good"}, {{"VALENCE_FORMAT", ""}}).out, StartsWith("{"));
  EXPECT_THAT(run({"good"}, {{"VALENCE_LOGITS", "yes"}, {"VALENCE_TOP_K", "2"}}).out,
              HasSubstr("\"logits\":["));
  expect_refused(run({"good"}, {{"VALENCE_DTYPE", "int9"}}), 2,
                 {"VALENCE_DTYPE: expected one of fp32, bf16, int8, nf4, auto, got 'int9'"});
  expect_refused(run({"good"}, {{"VALENCE_LOGITS", "perhaps"}}), 2, {"VALENCE_LOGITS: expected 1 or 0"});
  EXPECT_EQ(run({}, {{"VALENCE_TEXT", "good"}}).status, 0);
  // What is on the command line is not mixed with an input of the environment.
  EXPECT_EQ(run({"good"}, {{"VALENCE_FILE", "nowhere.csv"}}).status, 0);
}

TEST(Analyze, MistakesOfUsage) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"analyze"}, "no input"},
      {{"analyze", "--dtype", "int9", "good"},
       "--dtype: expected one of fp32, bf16, int8, nf4, auto, got 'int9'"},
      {{"analyze", "--dtype"}, "--dtype"},
      {{"analyze", "--threads", "0", "good"}, "--threads: expected a number from 1"},
      {{"analyze", "--threads", "two", "good"}, "got 'two'"},
      {{"analyze", "--top-k", "-1", "good"}, "--top-k"},
      {{"analyze", "--format", "xml", "good"}, "got 'xml'"},
      {{"analyze", "--model", "a", "--model", "b", "good"}, "--model given 2 times"},
      {{"analyze", "--quiet=maybe", "good"}, "--quiet"},
      {{"analyze", "--modle", "x", "good"}, "unknown option --modle; did you mean --model?"},
      {{"analyze", "--langs", "de", "good"}, "unknown option --langs"},
      {{"analyze", "--encoding", "klingon", "good"}, "klingon"},
      {{"analyze", "-_-"}, "put -- before"},
      {{"analyze", "good", "nowhere.csv"}, "both texts and a file"},
      {{"analyze", "-", "--file", "a.csv"}, "2 files"},
  };
  for (const auto& [arguments, words] : cases) {
    const Ran ran = run_valence(arguments);
    expect_refused(ran, 2, {words});
    EXPECT_THAT(ran.err, StartsWith("valence: analyze: "));
  }
}

TEST(Analyze, MissingAndUnreadableInputs) {
  const TemporaryFolder folder;
  expect_refused(run_valence({"analyze", "nowhere.csv"}), 66, {"nowhere.csv", "no such file"});
  expect_refused(run_valence({"analyze", "--file", "nowhere"}), 66, {"nowhere"});
  expect_refused(run_valence({"analyze", "--file", folder.path().string()}), 66, {"is a folder"});
  // It can be opened, and every read fails.
  expect_refused(run_valence({"analyze", "--model", tiny_model("bert"), "--file", "/proc/self/mem"}), 66,
                 {"/proc/self/mem", "Input/output error"});
  expect_refused(run_shell("exec \"$0\" analyze - <&-"), 66, {"standard input"});
  EXPECT_EQ(run_shell("exec \"$0\" analyze --quiet --text good <&-").status, 0);
  expect_refused(run_shell("exec \"$0\" analyze - < ."), 66, {"standard input"});
}

TEST(Analyze, UnwritableOutputs) {
  const TemporaryFolder folder;
  write_file(folder / "file", "");
  const auto run = [](const std::string& output) { return run_valence({"analyze", "-o", output, "good"}); };
  expect_refused(run((folder / "none/out.csv").string()), 1, {"none"});
  expect_refused(run((folder / "file/out.csv").string()), 1, {"out.csv"});
  expect_refused(run(folder.path().string()), 1, {folder.path().string()});
  expect_refused(run("/dev/full"), 1, {"/dev/full", "No space left"});
  expect_refused(run_shell("\"$0\" analyze --quiet --format jsonl good > /dev/full"), 1, {"standard output"});
  expect_refused(run_shell("\"$0\" analyze --quiet --format jsonl good >&-"), 1, {"standard output"});
}

TEST(Analyze, ModelThatCannotBeHad) {
  const Environment offline{{"HF_HUB_OFFLINE", "1"}, {"HF_HOME", "/nonexistent"}};
  for (const char* name : {"org/absent", "/not/here", "twitter-roberta", ""}) {
    expect_refused(run_valence({"analyze", "--model", name, "good"}, "", offline), 69, {name});
  }
}

TEST(Analyze, BrokenModel) {
  const TemporaryFolder folder;
  const auto copy = [&](const char* name) {
    std::filesystem::copy(tiny_model("bert"), folder / name);
    return (folder / name).string();
  };
  const std::string cut = copy("cut"), json = copy("json"), vocab = copy("vocab");
  std::filesystem::resize_file(folder / "cut/model.safetensors", 5000);
  write_file(folder / "json/config.json", "{\"a\": ");
  std::filesystem::remove(folder / "vocab/vocab.txt");
  expect_refused(run_valence({"analyze", "--model", cut, "good"}), 65, {"cut/model.safetensors"});
  expect_refused(run_valence({"analyze", "--model", json, "good"}), 65, {"json/config.json"});
  expect_refused(run_valence({"analyze", "--model", vocab, "good"}), 69, {vocab, "tokenizer"});
  expect_refused(run_valence({"analyze", "--model", folder.path().string(), "good"}), 69, {"config.json"});
}

TEST(Analyze, AdapterByEitherOptionFindsItsBase) {
  // The goldens' adapter_config.json names its base "distilbert", a folder beside it.
  const auto run = [](const std::string& options) {
    return run_shell("cd '" + tiny_model("") + "' && \"$0\" analyze --quiet --logits --format jsonl " +
                     options + " 'good day'");
  };
  const Ran both = run("--model distilbert --adapter lora-distilbert");
  EXPECT_EQ(both.status, 0) << both.err;
  EXPECT_EQ(run("--model lora-distilbert").out, both.out);
  EXPECT_EQ(run("--adapter lora-distilbert").out, both.out);
  // Beside the model's own answer, as a task of its own.
  const Json tasks = lines_of(run("--model distilbert --tasks sentiment,lora-distilbert").out).at(0);
  const Json* answers = tasks.find("tasks");
  ASSERT_NE(answers, nullptr);
  EXPECT_EQ(text_of(*answers->find("sentiment"), "label"), text_of(tasks, "label"));
  EXPECT_EQ(text_of(*answers->find("lora-distilbert"), "label"), text_of(lines_of(both.out).at(0), "label"));
  expect_refused(run("--model distilbert --tasks anger"), 2, {"anger is unknown", "sentiment"});
  expect_refused(run("--model distilbert --tasks sentiment,sentiment"), 2, {"stands twice"});
  EXPECT_NE(run("--model distilbert").out, both.out);
  expect_refused(run("--model lora-distilbert --adapter lora-distilbert-rs"), 2, {"expected one"});
  expect_refused(run("--adapter distilbert"), 78, {"no PEFT adapter"});
}

TEST(Analyze, TerminalGetsATableAndAPipeJsonLines) {
  const std::string command = "\"$0\" analyze --model '" + tiny_model("bert") + "' 'a good day'";
  EXPECT_THAT(run_shell(command).out, StartsWith("{\"line\":1,"));
  const Ran terminal = run_shell("PROGRAM=$0; export PROGRAM; script -qec '\"$PROGRAM\" analyze --model \"" +
                                 tiny_model("bert") + "\" \"a good day\"' /dev/null < /dev/null");
  EXPECT_THAT(terminal.out, HasSubstr("label"));
  EXPECT_THAT(terminal.out, HasSubstr("polarity"));
  EXPECT_THAT(terminal.out, ::testing::Not(HasSubstr("{")));
}

TEST(Analyze, ClosedPipeEndsQuietly) {
  const Ran head =
      run_shell("yes 'good thing' | head -20000 | \"$0\" analyze --quiet --format jsonl --model '" +
                tiny_model("bert") + "' - | head -1");
  EXPECT_EQ(head.err, "");
  EXPECT_EQ(lines_of(head.out).size(), 1u);
}

}  // namespace
}  // namespace valence::app
