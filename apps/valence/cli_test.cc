// What every command promises: statuses, one line for a mistake, help, the environment, completions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run_for_test.h"

namespace valence::app {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::vector<std::string> commands() {
  const std::string help = run_valence({"--help"}).out;
  std::vector<std::string> names;
  size_t at = help.find("\nCommands:\n");
  if (at == std::string::npos) return names;
  at += 11;
  while (help.compare(at, 2, "  ") == 0) {
    names.push_back(help.substr(at + 2, help.find(' ', at + 2) - at - 2));
    at = help.find('\n', at) + 1;
  }
  return names;
}

TEST(Cli, VersionAndHelpGoToStandardOutput) {
  const Ran version = run_valence({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.out, MatchesRegex("valence [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  const Ran help = run_valence({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.err, "");
  EXPECT_THAT(commands(), ::testing::Contains("completions"));
  for (const std::string& name : commands()) {
    const Ran one = run_valence({name, "--help"});
    EXPECT_EQ(one.status, 0) << name;
    EXPECT_EQ(one.err, "") << name;
    EXPECT_THAT(one.out, HasSubstr("Usage: valence " + name));
  }
}

TEST(Cli, NoLineOfHelpIsWiderThanAHundredColumns) {
  for (const std::string& name : commands()) {
    const std::string help = run_valence({name, "--help"}).out;
    for (size_t at = 0; at < help.size();) {
      const size_t end = help.find('\n', at);
      EXPECT_LE(end - at, 100u) << name << ": " << help.substr(at, end - at);
      at = end + 1;
    }
  }
}

TEST(Cli, MistakesOfUsage) {
  expect_refused(run_valence({}), 2, {"command", "--help"});
  expect_refused(run_valence({"frobnicate"}), 2, {"unknown command frobnicate"});
  expect_refused(run_valence({"completion"}), 2, {"did you mean completions"});
  expect_refused(run_valence({"--nonsense"}), 2, {"unknown option --nonsense"});
  expect_refused(run_valence({"--verison"}), 2, {"did you mean --version"});
  for (const std::string& name : commands()) {
    expect_refused(run_valence({name, "--nonsense", "x"}), 2, {"--nonsense", "valence " + name + " --help"});
  }
}

TEST(Cli, ControlCharactersOfAnArgumentDoNotReachTheTerminal) {
  const Ran ran = run_valence({"a\x1b[31m\nb"});
  expect_refused(ran, 2, {"\\x1b", "\\x0a"});
}

TEST(Cli, FullStandardOutputIsAnError) {
  const Ran ran = run_shell("\"$0\" --help > /dev/full");
  expect_refused(ran, 1, {"standard output"});
  expect_refused(run_shell("\"$0\" --help >&-"), 1, {"standard output"});
}

TEST(Cli, ClosedPipeEndsQuietly) {
  const Ran ran = run_shell("\"$0\" completions bash | head -1; exit ${PIPESTATUS[0]}");
  EXPECT_TRUE(ran.status == 0 || ran.status == 141) << ran.status;
  EXPECT_EQ(ran.err, "");
}

TEST(Completions, NameEveryCommandAndOption) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ran ran = run_valence({"completions", shell});
    ASSERT_EQ(ran.status, 0) << ran.err;
    for (const std::string& name : commands()) EXPECT_THAT(ran.out, HasSubstr(name)) << shell;
  }
  expect_refused(run_valence({"completions"}), 2, {"SHELL is missing"});
  expect_refused(run_valence({"completions", "tcsh"}), 2, {"tcsh", "bash, zsh, fish"});
  expect_refused(run_valence({"completions", "bash", "zsh"}), 2, {"unexpected argument zsh"});
}

TEST(Completions, BashCompletes) {
  const auto complete = [](const std::string& words, int at) {
    return run_shell("source <(\"$0\" completions bash); COMP_WORDS=(" + words +
                     "); COMP_CWORD=" + std::to_string(at) + "; _valence; printf '%s\\n' \"${COMPREPLY[@]}\"")
        .out;
  };
  EXPECT_EQ(complete("valence compl", 1), "completions\n");
  EXPECT_EQ(complete("valence completions z", 2), "zsh\n");
}

}  // namespace
}  // namespace valence::app
