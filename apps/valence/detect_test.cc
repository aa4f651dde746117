// The command detect, from its command line to its output and status.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "formats/test_support.h"
#include "run_for_test.h"

namespace valence::app {
namespace {

using ::testing::HasSubstr;
using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;

TEST(Detect, AnswersEachLine) {
  const Ran ran = run_valence({"detect", "-"}, "Guten Morgen, liebe Leute\n\n");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, HasSubstr(R"({"line":1,"language":"de","script":"Latn","confidence":0.9)"));
  EXPECT_THAT(ran.out, HasSubstr(R"({"line":2,"language":"und","script":"Zyyy","confidence":0,"parts":[]})"));
}

TEST(Detect, WritesTheFileWhenItIsComplete) {
  const TemporaryFolder folder;
  const std::string input = (folder / "in.txt").string(), output = (folder / "out.jsonl").string();
  write_file(folder / "in.txt", "Bonjour tout le monde\n");
  const Ran ran = run_valence({"detect", "--all", "--threads", "2", "-o", output, input}, "");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(read_file(folder / "out.jsonl"), HasSubstr(R"("candidates":[{"language":"fr")"));
}

// As analyze writes: through links, into pipes, on standard output for "-", never over its input.
TEST(Detect, WritesWhereItIsTold) {
  const TemporaryFolder folder;
  const std::string input = (folder / "in.txt").string(), link = (folder / "link.jsonl").string();
  write_file(folder / "in.txt", "Bonjour tout le monde\n");
  std::filesystem::create_symlink("behind.jsonl", folder / "link.jsonl");
  EXPECT_EQ(run_valence({"detect", "-o", link, input}, "").status, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.jsonl"));
  EXPECT_THAT(read_file(folder / "behind.jsonl"), HasSubstr(R"("language":"fr")"));
  EXPECT_THAT(run_valence({"detect", "-o", "-", input}, "").out, HasSubstr(R"("language":"fr")"));
  const Ran same = run_valence({"detect", "-o", input, input}, "");
  EXPECT_EQ(same.status, 2);
  EXPECT_THAT(same.err, HasSubstr("is the input itself"));
  EXPECT_EQ(read_file(folder / "in.txt"), "Bonjour tout le monde\n");
}

TEST(Detect, NamesTheLinesThatAreNoText) {
  const Ran ran = run_valence({"detect"}, "hello there everyone\n\xFF\nhello again everyone\n");
  EXPECT_EQ(ran.status, 3);
  EXPECT_EQ(ran.err, "valence: 1 line is no valid UTF-8 and left out: 2\n");
  EXPECT_THAT(ran.out, HasSubstr("\"line\":3"));
}

TEST(Detect, RefusesWhatItCannotRead) {
  const TemporaryFolder folder;
  write_file(folder / "broken.ftz", "no model");
  EXPECT_EQ(run_valence({"detect", "--model", (folder / "broken.ftz").string()}, "").status, 65);
  EXPECT_EQ(run_valence({"detect", "nowhere.txt"}, "").status, 66);
  EXPECT_EQ(run_valence({"detect", "--model", "nowhere.ftz"}, "").status, 66);
}

}  // namespace
}  // namespace valence::app
