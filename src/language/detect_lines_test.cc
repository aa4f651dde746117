#include "language/detect_lines.h"

#include <gmock/gmock.h>

#include <utility>

#include "formats/json.h"

namespace valence::language {
namespace {

using testing::ElementsAre;

const Detector& detector() {
  static const Detector embedded = Detector::embedded();
  return embedded;
}

struct Detected {
  std::string output;
  DetectOutcome outcome;
};

Detected detect(std::string_view input, bool all = false, int threads = 1) {
  Detected result;
  const auto read = [&](std::string& out) {
    out += input;
    return !std::exchange(input, {}).empty();
  };
  result.outcome =
      detect_lines(detector(), all, threads, read, [&](std::string_view text) { result.output += text; });
  return result;
}

TEST(DetectLines, AnswersEveryLineInItsOrder) {
  const Detected done = detect("Guten Morgen liebe Leute\r\n\n12\nBonjour tout le monde");
  EXPECT_EQ(done.outcome.rejected, 0u);
  std::vector<std::string> languages;
  std::string_view rest = done.output;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const auto row = formats::Json::parse(rest.substr(0, rest.find('\n')), "row");
    EXPECT_EQ(row.find("line")->as_int("line"), number);
    languages.push_back(row.find("language")->as_string("language"));
    rest.remove_prefix(rest.find('\n') + 1);
  }
  EXPECT_THAT(languages, ElementsAre("de", "und", "und", "fr"));
}

TEST(DetectLines, AnEmptyLineHasNoParts) {
  EXPECT_EQ(detect("\n").output,
            "{\"line\":1,\"language\":\"und\",\"script\":\"Zyyy\",\"confidence\":0,\"parts\":[]}\n");
  EXPECT_EQ(detect("").output, "");
}

TEST(DetectLines, LeavesOutInvalidLinesAndNamesThem) {
  const Detected done = detect("Guten Morgen liebe Leute\n\xFF\xFE caf\xE9\nBonjour tout le monde\n");
  EXPECT_EQ(done.outcome.rejected, 1u);
  EXPECT_THAT(done.outcome.first_rejected, ElementsAre(2u));
  EXPECT_THAT(done.output, testing::HasSubstr("{\"line\":3,\"language\":\"fr\""));
  EXPECT_THAT(done.output, testing::Not(testing::HasSubstr("\"line\":2")));
}

TEST(DetectLines, AllAddsTheFiveBestCandidates) {
  const Detected done = detect("Bonjour tout le monde\n", true);
  const auto row = formats::Json::parse(done.output, "row");
  const auto& candidates = row.find("candidates")->as_array("candidates");
  ASSERT_EQ(candidates.size(), 5u);
  EXPECT_EQ(candidates[0].find("language")->as_string("language"), "fr");
}

TEST(DetectLines, ThreadsDoNotChangeTheOutput) {
  std::string input;
  for (int i = 0; i < 20'000; ++i) {
    input += i % 100 == 7 ? "\xFF\n"
             : i % 3 == 0 ? "Guten Morgen liebe Leute " + std::to_string(i) + "\n"
                          : "hola amigos\n";
  }
  const Detected one = detect(input);
  const Detected three = detect(input, false, 3);
  EXPECT_EQ(one.output, three.output);
  EXPECT_EQ(one.outcome.rejected, 200u);
  EXPECT_EQ(one.outcome.first_rejected, three.outcome.first_rejected);
}

}  // namespace
}  // namespace valence::language
