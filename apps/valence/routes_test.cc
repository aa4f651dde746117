// Texts of several languages, and the command routes, from the command line to the output and status.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "formats/test_support.h"
#include "run_for_test.h"

namespace valence::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;

const char* const kGerman = "Das Essen war leider kalt und der Kellner unfreundlich";

// The tiny model of the translator's tests: what it says is no translation, and the guard says so.
const std::string kTranslator = (std::filesystem::path(GOLDENS) / "../translation").string();

TEST(Routes, AResultNamesItsLanguageAndRoute) {
  const Ran ran =
      run_valence({"analyze", "--format", "jsonl", "The staff were friendly and the room was clean"}, "");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(R"("language":"en","language_confidence":)"));
  EXPECT_THAT(ran.out, HasSubstr(R"("route":"native","translation":null,"warnings":[])"));
}

TEST(Routes, AnotherLanguageTakesTheMultilingualModel) {
  const Ran ran = run_valence(
      {"analyze", "--format", "jsonl", "--provenance", "--tasks", "sentiment,irony", kGerman}, "");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(R"("label":"negative")"));
  EXPECT_THAT(ran.out, HasSubstr(R"("route":"multilingual")"));
  EXPECT_THAT(ran.out,
              HasSubstr(R"("warnings":["tasks_unavailable"],"tasks":{"sentiment":{"label":"negative")"));
  EXPECT_THAT(ran.out, HasSubstr(R"("model":{"name":"multilingual")"));
}

TEST(Routes, AModelThatWasNamedIsNotLeft) {
  const Ran ran = run_valence({"analyze", "--format", "jsonl", "--model", "default", kGerman}, "");
  EXPECT_THAT(ran.out, Not(HasSubstr("\"language\"")));
  const Ran asked =
      run_valence({"analyze", "--format", "jsonl", "--model", "default", "--lang", "de", kGerman}, "");
  EXPECT_THAT(asked.out, HasSubstr(R"("language":"de","language_confidence":1,"route":"native")"));
}

TEST(Routes, AColumnNamesTheLanguages) {
  const TemporaryFolder folder;
  write_file(folder / "in.csv", "id,lang,text\n1,DE,I love it\n2,,I love it\n");
  write_file(folder / "in.jsonl",
             "{\"lang\":\"fr\",\"text\":\"I love it\"}\n{\"text\":\"I love this place so much\"}\n");
  for (const char* name : {"in.csv", "in.jsonl"}) {
    const Ran ran = run_valence({"analyze", "--quiet", "--format", "jsonl", "--text-column", "text",
                                 "--language-column", "lang", (folder / name).string()},
                                "");
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_THAT(ran.out,
                HasSubstr(std::string(name) == "in.csv" ? R"("language":"de")" : R"("language":"fr")"));
    EXPECT_THAT(ran.out, HasSubstr(R"("language":"en")"));
  }
}

// Numbers and other case count for fields as they do for columns, and a field that no row has is said.
TEST(Routes, AFieldIsFoundAsAColumnIs) {
  const TemporaryFolder folder;
  const std::string input = (folder / "in.jsonl").string();
  write_file(folder / "in.jsonl", "{\"text\":\"I love it\",\"Lang\":\"fr\"}\n");
  for (const char* column : {"2", "lang", "Lang"}) {
    const Ran ran = run_valence({"analyze", "--format", "jsonl", "--language-column", column, input}, "");
    EXPECT_THAT(ran.out, HasSubstr(R"("language":"fr")")) << column;
    EXPECT_THAT(ran.err, Not(HasSubstr("no row has"))) << column;
  }
  const Ran ran = run_valence({"analyze", "--format", "jsonl", "--language-column", "nosuch", input}, "");
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.err, HasSubstr("no row has the field that --language-column names"));
}

TEST(Routes, TheSummaryCountsLanguages) {
  const TemporaryFolder folder;
  write_file(folder / "in.txt", std::string("I love this place, it is wonderful\n") + kGerman + "\n");
  const Ran ran =
      run_valence({"analyze", (folder / "in.txt").string(), "-o", (folder / "out.csv").string()}, "");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("\nde  1   50.0%  polarity "));
  EXPECT_THAT(read_file(folder / "out.csv"),
              HasSubstr("truncated,language,language_confidence,route,translation,warnings"));
}

TEST(Routes, WrongOptionsAreNamed) {
  const auto refused = [](std::vector<std::string> options, int status, const std::string& message) {
    options.insert(options.begin(), "analyze");
    options.insert(options.end(), {"--text", "hello"});
    const Ran ran = run_valence(options, "");
    EXPECT_EQ(ran.status, status) << message;
    EXPECT_THAT(ran.err, HasSubstr(message));
  };
  const TemporaryFolder folder;
  write_file(folder / "broken.json", "[{]");
  refused({"--lang", "xx-unknown"}, 2, "--lang xx-unknown is no language");
  refused({"--route", "bicycle"}, 2, "bicycle");
  refused({"--routes", (folder / "none.json").string()}, 66, "there is no such file");
  refused({"--routes", (folder / "broken.json").string()}, 65, "broken.json");
  refused({"--language-column", "lang"}, 2, "plain lines have no columns");
}

TEST(Routes, AFailedTranslationTakesAnotherRoute) {
  const Ran ran = run_valence({"analyze", "--format", "jsonl", "--lang", "uk", "--route", "translated",
                               "--translator", kTranslator, "Обслуговування було жахливим, їжа холодна"},
                              "");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(R"("language":"uk")"));
  EXPECT_THAT(ran.out, HasSubstr(R"("translation":null,"warnings":["translation_)"));
  EXPECT_THAT(ran.out, Not(HasSubstr(R"("route":"translated")")));
}

TEST(Routes, ATranslatorThatIsNotThereIsNamed) {
  const Ran ran = run_valence({"analyze", "--lang", "fr", "--route", "translated", "bonjour"}, "");
  EXPECT_EQ(ran.status, 69);
  EXPECT_THAT(ran.err, HasSubstr("opus-mt-fr-en"));
}

TEST(Translate, ALineForEachLine) {
  const Ran plain = run_valence({"translate", "--model", kTranslator, "-"}, "Так\n\nТак\n");
  EXPECT_EQ(plain.status, 0) << plain.err;
  EXPECT_EQ(std::ranges::count(plain.out, '\n'), 3);
  const Ran shown = run_valence({"translate", "--model", kTranslator, "--explain-route", "-"}, "Так\t!\n\n");
  EXPECT_THAT(shown.out, ::testing::MatchesRegex("Так !\t[^\t\n]*\t[a-z]+\n\t\t[a-z]+\n"));
  const Ran json = run_valence({"translate", "--model", kTranslator, "--format", "jsonl", "-"}, "Так\n");
  EXPECT_THAT(json.out, HasSubstr(R"({"line":1,"text":"Так","translation":)"));
  EXPECT_THAT(json.out, HasSubstr(R"("status":")"));
}

TEST(Translate, NamesWhatItCannotUse) {
  EXPECT_EQ(run_valence({"translate", "-"}, "").status, 2);
  EXPECT_EQ(run_valence({"translate", "--from", "xx", "--to", "en", "-"}, "").status, 2);
  EXPECT_EQ(run_valence({"translate", "--model", "default", "-"}, "").status, 78);
}

TEST(Routes, TheTableIsShown) {
  const Ran ran = run_valence({"routes"}, "");
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, HasSubstr("en        native"));
  EXPECT_THAT(run_valence({"routes", "--json"}, "").out, HasSubstr(R"({"language":"en","route":"native")"));
}

TEST(Routes, WhatIsMeasuredIsTaken) {
  const TemporaryFolder folder;
  write_file(folder / "data.csv", "language,label,text\nde,positive,I love this\nde,negative,I hate this\n");
  const std::string routes = (folder / "routes.json").string();
  const Ran measured = run_valence({"routes", "--measure", (folder / "data.csv").string(), "-o", routes}, "");
  EXPECT_EQ(measured.status, 0) << measured.err;
  EXPECT_THAT(read_file(routes),
              HasSubstr(R"("language":"de","route":"native","macro_f1":1,"rows":2,"default":true)"));
  const Ran ran =
      run_valence({"analyze", "--format", "jsonl", "--routes", routes, "--lang", "de", kGerman}, "");
  EXPECT_THAT(ran.out, HasSubstr(R"("route":"native")"));

  // English keeps its model where a table does not name it, however its language became known.
  for (const std::string lang : {"--lang=en", "--quiet"}) {
    const Ran english = run_valence(
        {"analyze", "--format", "jsonl", "--routes", routes, lang, "I love this place so much"}, "");
    EXPECT_THAT(english.out, HasSubstr(R"("route":"native")")) << lang;
  }

  const std::string data = "language,label,text\nde,positive,\nde,positive,I love this\n";
  const Ran some = run_valence({"routes", "--measure", "-"}, data);
  EXPECT_EQ(some.status, 3);
  EXPECT_THAT(some.err, HasSubstr("1 row is left out: -:2: the text is empty"));
  EXPECT_THAT(some.out, HasSubstr(R"("rows":1)"));
  const std::string itself = (folder / "data.csv").string();
  EXPECT_EQ(run_valence({"routes", "--measure", itself, "-o", itself}, "").status, 2);

  write_file(folder / "bad.csv", "language,label,text\nde,good,I love this\n");
  const Ran bad = run_valence({"routes", "--measure", (folder / "bad.csv").string(), "-o", routes}, "");
  EXPECT_EQ(bad.status, 65);
  EXPECT_THAT(bad.err, HasSubstr("bad.csv:2: the label good is none of the model's"));
}

}  // namespace
}  // namespace valence::app
