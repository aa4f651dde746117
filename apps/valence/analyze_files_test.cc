// valence analyze over files and standard input: every format in and out, rejects, interruptions, two at
// once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/test_support.h"
#include "run_for_test.h"

namespace valence::app {
namespace {

using formats::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::read_file;
using ::testing::StartsWith;
using testing::TemporaryFolder;
using testing::write_file;

std::vector<std::string> split(const std::string& text, char at = '\n') {
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(at, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

class AnalyzeFiles : public ::testing::Test {
 protected:
  // Of "analyze" with the tiny model; the arguments name files of the folder.
  Ran run(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), "analyze");
    return run_valence(arguments, input, environment_);
  }
  // A line for bash in the folder.
  Ran shell(const std::string& line) const {
    return run_shell("cd '" + folder_.path().string() + "' && { " + line + "; }", environment_);
  }
  std::string file(const std::string& name, const std::string& content) const {
    write_file(folder_ / name, content);
    return path(name);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string content(const std::string& name) const { return read_file(folder_ / name); }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      out.push_back(entry.path().filename().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  TemporaryFolder folder_;
  Environment environment_{{"VALENCE_MODEL", tiny_model("bert")}, {"VALENCE_QUIET", "1"}};
};

// --- Formats

TEST_F(AnalyzeFiles, EveryKindOfInputGivesTheSameAnswers) {
  const std::vector<std::string> texts{"a good day", "bad thing", "i love this, not"};
  const std::vector<Json> expected = lines_of(run({texts[0], texts[1], texts[2], "--format", "jsonl"}).out);
  ASSERT_EQ(expected.size(), 3u);
  const std::string csv = "id,text\n1,a good day\n2,bad thing\n3,\"i love this, not\"\n";
  file("in.txt", "a good day\r\nbad thing\ni love this, not");
  file("in.csv", csv);
  file("semicolons.csv", "id;text\n1;a good day\n2;bad thing\n3;i love this, not\n");
  file("in.tsv", "id\ttext\n1\ta good day\n2\tbad thing\n3\ti love this, not\n");
  file("in.jsonl", "{\"text\":\"a good day\"}\n{\"text\":\"bad thing\"}\n{\"text\":\"i love this, not\"}\n");
  ASSERT_EQ(shell("for f in in.*; do gzip -k \"$f\"; done").status, 0);
  for (const std::string name : {"in.txt", "in.csv", "semicolons.csv", "in.tsv", "in.jsonl", "in.txt.gz",
                                 "in.csv.gz", "in.tsv.gz", "in.jsonl.gz"}) {
    const Ran ran = run({path(name), "--format", "jsonl"});
    ASSERT_EQ(ran.status, 0) << name << ran.err;
    const std::vector<Json> rows = lines_of(ran.out);
    ASSERT_EQ(rows.size(), 3u) << name;
    for (size_t i = 0; i < 3; ++i)
      EXPECT_EQ(rows[i].find("scores")->dump(), expected[i].find("scores")->dump());
  }
  const Ran piped = run({"-", "--input-format", "csv", "--text-column", "2", "--format", "jsonl"}, csv);
  EXPECT_EQ(piped.out, run({path("in.csv"), "--format", "jsonl"}).out);
  EXPECT_EQ(run({"--file", file("plain", "good\n"), "--format", "jsonl"}).status, 0);
}

TEST_F(AnalyzeFiles, ColumnsComeBackFirstInEveryFormat) {
  const std::string in = file("in.csv", "id,label,text\n07,mine,a good day\n");
  const std::vector<Json> rows = lines_of(run({in, "--format", "jsonl"}).out);
  EXPECT_THAT(keys_of(rows[0]), ElementsAre("id", "label", "text", "line", "valence_label", "score", "scores",
                                            "polarity", "tokens", "windows", "truncated"));
  EXPECT_EQ(text_of(rows[0], "id"), "07");
  EXPECT_EQ(rows[0].find("line")->as_int("line"), 2);
  const std::string names = "id,label,text,valence_label,score,polarity,tokens,windows,truncated";
  const std::vector<std::string> csv = split(run({in, "--format", "csv"}).out);
  EXPECT_EQ(csv.at(0), names);
  EXPECT_THAT(csv.at(1), StartsWith("07,mine,a good day," + text_of(rows[0], "valence_label") + ","));
  EXPECT_THAT(csv.at(1), ::testing::EndsWith(",false"));
  const std::vector<std::string> tsv = split(run({in, "--format", "tsv"}).out);
  EXPECT_EQ(split(tsv.at(0), '\t'), split(names, ','));
  EXPECT_THAT(run({in, "--format", "table"}).out, HasSubstr("a good day"));
}

TEST_F(AnalyzeFiles, JsonFieldsComeBackAsTheyWereWritten) {
  const std::string own = R"("price": 12.50, "n": 12345678901234567890123, "text": "good", "tags": ["a"])";
  const Ran ran = run({file("in.jsonl", "{" + own + "}\n"), "--format", "jsonl"});
  EXPECT_THAT(ran.out, StartsWith("{" + own + ",\"line\":1,\"label\":"));
}

TEST_F(AnalyzeFiles, OutputTakesItsFormatFromItsName) {
  for (const auto& [name, begins] : {std::pair("out.csv", "line,text,label,"),
                                     {"out.tsv", "line\ttext\tlabel\t"},
                                     {"out.jsonl", "{\"line\":1,"},
                                     {"out.ndjson", "{\"line\":1,"}}) {
    const Ran ran = run({"good", "-o", path(name)});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(content(name), StartsWith(begins));
  }
  EXPECT_EQ(run({"good", "-o", path("out.csv.gz")}).status, 2);
  EXPECT_EQ(run({"good", "--format", "jsonl", "-o", "-"}).out, content("out.jsonl"));
}

TEST_F(AnalyzeFiles, TextColumnByNameOrNumber) {
  const std::string in = file("in.csv", "id,a,b\n1,good day,bad thing\n");
  const std::string by_name = run({in, "--text-column", "b", "--format", "jsonl"}).out;
  EXPECT_EQ(run({in, "--text-column", "3", "--format", "jsonl"}).out, by_name);
  EXPECT_NE(run({in, "--text-column", "2", "--format", "jsonl"}).out, by_name);
  expect_refused(run({in, "--text-column", "review"}), 2, {"review", "id, a, b"});
  expect_refused(run({in, "--text-column", "4"}), 2, {"4"});
}

// --- Rows that cannot be used

TEST_F(AnalyzeFiles, RejectsAreNamedByLineAndReason) {
  const std::string in = file("in.txt", "good\n\n   \nbad\n\xc3\x28 \xe2\x82\xac is utf-8\nthing\n");
  const Ran ran = run({in, "-o", path("out.jsonl")});
  EXPECT_EQ(ran.status, 3);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(lines_of(content("out.jsonl")).size(), 3u);
  const std::string rejects = content("out.jsonl.rejects.jsonl");
  const std::vector<std::pair<int64_t, std::string>> expected{
      {2, "empty_text"}, {3, "empty_text"}, {5, "invalid_encoding"}};
  const std::vector<Json> rows = lines_of(rejects);
  ASSERT_EQ(rows.size(), expected.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_THAT(keys_of(rows[i]), ElementsAre("line", "reason", "message"));
    EXPECT_EQ(rows[i].find("line")->as_int("line"), expected[i].first);
    EXPECT_EQ(text_of(rows[i], "reason"), expected[i].second);
  }
  const Ran to_stdout = run({in, "--format", "jsonl"});
  EXPECT_EQ(to_stdout.status, 3);
  EXPECT_EQ(to_stdout.out, content("out.jsonl"));
  EXPECT_EQ(to_stdout.err, rejects);
  // A run without rejects removes those of an earlier one.
  EXPECT_EQ(run({"good", "-o", path("out.jsonl")}).status, 0);
  EXPECT_THAT(names(), ElementsAre("in.txt", "out.jsonl"));
}

TEST_F(AnalyzeFiles, NothingInGivesNothingOut) {
  const Ran ran = run({"-", "--format", "jsonl"}, "");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "");
}

TEST_F(AnalyzeFiles, BrokenCompressionGivesNoOutput) {
  file("whole.txt", std::string(20'000, 'a') + "\ngood\n");
  ASSERT_EQ(shell("gzip whole.txt && head -c 30 whole.txt.gz > cut.txt.gz && rm whole.txt.gz").status, 0);
  file("plain.txt.gz", "good\n");
  file("plain.txt.zst", "good\n");
  for (const char* name : {"cut.txt.gz", "plain.txt.gz", "plain.txt.zst"}) {
    expect_refused(run({path(name), "-o", path("out.jsonl")}), 65, {name});
    EXPECT_THAT(names(), ElementsAre("cut.txt.gz", "plain.txt.gz", "plain.txt.zst"));
  }
}

// --- What is said about a run

TEST_F(AnalyzeFiles, SummaryUnlessQuietAndProgressOnlyOnATerminal) {
  environment_.erase("VALENCE_QUIET");
  file("in.txt", "good\nbad\n\nthing\n");
  const Ran ran = shell("\"$0\" analyze in.txt -o out.csv");
  EXPECT_EQ(ran.out, "");
  for (const char* words : {"negative", "neutral", "positive", "%", "mean polarity", "4 rows, 1 rejected",
                            "texts/s", "tokens/s", "out.csv.rejects.jsonl"}) {
    EXPECT_THAT(ran.err, HasSubstr(words));
  }
  EXPECT_THAT(ran.err, Not(HasSubstr("\r")));
  EXPECT_THAT(ran.err, Not(HasSubstr("\x1b")));
  EXPECT_EQ(shell("\"$0\" analyze in.txt -o out.csv --quiet").err, "");
}

// --- Interruptions

// Feeds `in.txt` without its last line through a pipe that stays open, waits until rows are written, sends
// `signal`.
std::string interrupted_run(const std::string& signal) {
  return "mkfifo pipe; \"$0\" analyze - -o out.jsonl < pipe & job=$!; exec 9> pipe; head -n -1 in.txt >&9; "
         "until [ -s .out.jsonl.valence-partial ]; do sleep 0.01; done; kill -" +
         signal + " $job; wait $job; status=$?; rm pipe; exit $status";
}

std::string many_lines() {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += i % 97 == 5 ? "\n" : "good thing " + std::to_string(i) + "\n";
  return lines;
}

TEST_F(AnalyzeFiles, AnInterruptedRunResumesToTheSameBytes) {
  const std::string in = file("in.txt", many_lines());
  ASSERT_EQ(run({in, "-o", path("whole.jsonl")}).status, 3);
  const Ran ran = shell(interrupted_run("INT"));
  EXPECT_EQ(ran.status, 130);
  EXPECT_THAT(ran.err, StartsWith("valence: interrupted after "));
  EXPECT_THAT(ran.err, HasSubstr("--resume"));
  EXPECT_FALSE(std::filesystem::exists(path("out.jsonl")));
  EXPECT_THAT(names(), ::testing::Contains(".out.jsonl.valence-state"));

  expect_refused(shell("\"$0\" analyze - -o out.jsonl --logits --resume < in.txt"), 2, {"--logits"});
  const Ran rest = shell("\"$0\" analyze - -o out.jsonl --resume < in.txt");
  EXPECT_EQ(rest.status, 3) << rest.err;
  EXPECT_EQ(content("out.jsonl"), content("whole.jsonl"));
  EXPECT_EQ(content("out.jsonl.rejects.jsonl"), content("whole.jsonl.rejects.jsonl"));
  EXPECT_THAT(names(), ElementsAre("in.txt", "out.jsonl", "out.jsonl.rejects.jsonl", "whole.jsonl",
                                   "whole.jsonl.rejects.jsonl"));
}

TEST_F(AnalyzeFiles, AKilledRunResumesOrStartsAgainToTheSameBytes) {
  const std::string in = file("in.txt", many_lines());
  ASSERT_EQ(run({in, "-o", path("whole.jsonl")}).status, 3);
  EXPECT_EQ(shell(interrupted_run("KILL") + "").status, 137);
  EXPECT_FALSE(std::filesystem::exists(path("out.jsonl")));
  EXPECT_EQ(shell("\"$0\" analyze - -o out.jsonl --resume < in.txt").status, 3);
  EXPECT_EQ(content("out.jsonl"), content("whole.jsonl"));
}

TEST_F(AnalyzeFiles, AChangedInputIsRefusedAndTheStateKept) {
  file("in.txt", many_lines());
  ASSERT_EQ(shell(interrupted_run("TERM")).status, 130);
  const std::vector<std::string> before = names();
  const Ran changed = shell("sed 1s/good/bad/ in.txt | \"$0\" analyze - -o out.jsonl --resume");
  EXPECT_EQ(changed.status, 2) << changed.err;
  EXPECT_EQ(names(), before);
}

TEST_F(AnalyzeFiles, AFullDiskLeavesNoOutputAndCanBeResumed) {
  const std::string in = file("in.txt", many_lines());
  ASSERT_EQ(run({in, "-o", path("whole.jsonl")}).status, 3);
  // A limit on the size of files fails the write as a full disk does.
  expect_refused(shell("ulimit -f 100; \"$0\" analyze in.txt -o out.jsonl"), 1,
                 {"out.jsonl", "File too large"});
  EXPECT_FALSE(std::filesystem::exists(path("out.jsonl")));
  EXPECT_EQ(shell("\"$0\" analyze in.txt -o out.jsonl --resume").status, 3);
  EXPECT_EQ(content("out.jsonl"), content("whole.jsonl"));
}

TEST_F(AnalyzeFiles, TwoRunsDoNotWriteOneOutput) {
  file("in.txt", many_lines());
  const Ran ran = shell(
      "mkfifo pipe; \"$0\" analyze - -o out.jsonl < pipe & job=$!; exec 9> pipe; cat in.txt >&9; "
      "until [ -s .out.jsonl.valence-partial ]; do sleep 0.01; done; "
      "\"$0\" analyze in.txt -o out.jsonl; echo \"second $?\"; "
      "\"$0\" analyze in.txt -o other.jsonl; echo \"other $?\"; exec 9>&-; wait $job; echo \"first $?\"");
  EXPECT_EQ(ran.out, "second 1\nother 3\nfirst 3\n") << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("another run is writing it"));
  EXPECT_EQ(content("out.jsonl"), content("other.jsonl"));
}

TEST_F(AnalyzeFiles, TheInputIsNeverTheOutput) {
  const std::string in = file("in.csv", "text\ngood\n");
  expect_refused(run({in, "-o", in}), 2, {"the input itself"});
  EXPECT_EQ(content("in.csv"), "text\ngood\n");
}

}  // namespace
}  // namespace valence::app
