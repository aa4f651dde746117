#include "jobs/answer_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace valence::jobs {
namespace {

using rows::OutputFormat;
using testing::Contains;
using testing::ElementsAre;
using Pairs = std::vector<std::string>;

pipeline::Result result_of(std::vector<float> scores, int label, double polarity) {
  pipeline::Result result;
  result.logits = {-1.5f, 0.1f, 16777216.0f};
  result.logits.resize(scores.size());
  result.scores = std::move(scores);
  result.label = label;
  result.polarity = polarity;
  result.tokens = 7;
  result.windows = 1;
  return result;
}

const pipeline::Result kGood = result_of({0.0625f, 0.1875f, 0.75f}, 2, 0.6875);

// "name=value" for each cell; a null has no value.
Pairs shown(AnswerOptions options, const pipeline::Result& result,
            std::vector<std::string> labels = {"negative", "neutral", "positive"}) {
  AnswerCells cells(std::move(options), std::move(labels));
  const std::vector<std::string> names = cells.names();
  const std::vector<rows::Cell>& values = cells.of(result);
  EXPECT_EQ(names.size(), values.size());
  Pairs out;
  for (size_t i = 0; i < names.size(); ++i) {
    out.push_back(names[i] + (values[i].kind == rows::Cell::Kind::kNull ? "" : "=" + values[i].text));
  }
  return out;
}

AnswerOptions options_for(OutputFormat format, bool logits = false, int top_k = 0) {
  return {format, logits, top_k, {}, {}};
}

TEST(AnswerCells, OfJsonLines) {
  EXPECT_THAT(shown(options_for(OutputFormat::kJsonLines, true), kGood),
              ElementsAre("label=positive", "score=0.75",
                          R"(scores={"negative":0.0625,"neutral":0.1875,"positive":0.75})", "polarity=0.6875",
                          "tokens=7", "windows=1", "truncated=false", "logits=[-1.5,0.1,16777216]"));
}

TEST(AnswerCells, OfCsvHaveAColumnEach) {
  EXPECT_THAT(shown(options_for(OutputFormat::kCsv), kGood),
              ElementsAre("label=positive", "score=0.75", "polarity=0.6875", "tokens=7", "windows=1",
                          "truncated=false"));
  EXPECT_THAT(shown(options_for(OutputFormat::kTsv, true, 2), kGood),
              ElementsAre("label=positive", "score=0.75", "polarity=0.6875", "tokens=7", "windows=1",
                          "truncated=false", "label_2=neutral", "score_2=0.1875", "logit_negative=-1.5",
                          "logit_neutral=0.1", "logit_positive=16777216"));
}

TEST(AnswerCells, KeepTheBestScoresInTheirOrder) {
  EXPECT_EQ(shown(options_for(OutputFormat::kJsonLines, false, 2), kGood)[2],
            R"(scores={"positive":0.75,"neutral":0.1875})");
  EXPECT_EQ(shown(options_for(OutputFormat::kJsonLines, false, 99), kGood)[2],
            R"(scores={"positive":0.75,"neutral":0.1875,"negative":0.0625})");
  const pipeline::Result equal = result_of({0.25f, 0.5f, 0.25f}, 1, 0);
  EXPECT_EQ(shown(options_for(OutputFormat::kJsonLines, false, 3), equal)[2],
            R"(scores={"neutral":0.5,"negative":0.25,"positive":0.25})");
}

TEST(AnswerCells, HaveNoPolarityWhereTheLabelsSayNothing) {
  const pipeline::Result result = result_of({0.5f, 0.5f}, 0, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(shown(options_for(OutputFormat::kJsonLines), result, {"sport", "politics"})[3], "polarity");
  EXPECT_EQ(shown(options_for(OutputFormat::kCsv), result, {"sport", "politics"})[2], "polarity");
  EXPECT_EQ(shown(options_for(OutputFormat::kTable), result, {"sport", "politics"})[2], "polarity=");
}

TEST(AnswerCells, NeverWriteWhatIsNoJson) {
  const float infinity = std::numeric_limits<float>::infinity();
  pipeline::Result result = result_of({infinity}, 0, 0.5);
  result.logits = {-infinity};
  EXPECT_THAT(shown(options_for(OutputFormat::kJsonLines, true), result, {"a \"quoted\"\nlabel"}),
              ElementsAre("label=a \"quoted\"\nlabel", "score", R"(scores={"a \"quoted\"\nlabel":null})",
                          "polarity=0.5", "tokens=7", "windows=1", "truncated=false", "logits=[null]"));
}

TEST(AnswerCells, SayWhereAnAnswerComesFrom) {
  AnswerOptions options = options_for(OutputFormat::kJsonLines);
  options.provenance = {{"org/\"name\"", "", "00ff", "", "int8", "cpu avx2"}};
  EXPECT_EQ(
      shown(options, kGood).back(),
      R"(model={"name":"org/\"name\"","revision":null,"sha256":"00ff","adapter":null,"dtype":"int8","device":"cpu avx2"})");
  options.format = OutputFormat::kCsv;
  const Pairs csv = shown(options, kGood);
  EXPECT_THAT(Pairs(csv.end() - 6, csv.end()), ElementsAre("model=org/\"name\"", "revision=", "sha256=00ff",
                                                           "adapter=", "dtype=int8", "device=cpu avx2"));
}

TEST(AnswerCells, AnswerTheTasksToo) {
  AnswerOptions options = options_for(OutputFormat::kJsonLines);
  options.tasks = {{"irony", {"no", "\"yes\""}}, {"mood", {"calm"}}};
  pipeline::Result result = kGood;
  result.tasks = {{{0.25f, 0.75f}, 1}, {{0.5f}, 0}};
  EXPECT_EQ(shown(options, result).back(),
            R"(tasks={"irony":{"label":"\"yes\"","score":0.75,"scores":{"no":0.25,"\"yes\"":0.75}},)"
            R"("mood":{"label":"calm","score":0.5,"scores":{"calm":0.5}}})");
  options.format = OutputFormat::kCsv;
  const Pairs csv = shown(options, result);
  EXPECT_THAT(Pairs(csv.end() - 4, csv.end()),
              ElementsAre("irony=\"yes\"", "irony_score=0.75", "mood=calm", "mood_score=0.5"));
  options.format = OutputFormat::kTable;
  EXPECT_THAT(shown(options, result), Contains("irony=\"yes\""));
}

TEST(AnswerCells, OfATableAreForPeople) {
  pipeline::Result result = kGood;
  result.windows = 3;
  EXPECT_THAT(shown(options_for(OutputFormat::kTable), result),
              ElementsAre("label=positive", "score=0.750", "polarity=+0.69", "tokens=7 (3 windows)"));
  result.truncated = true;
  EXPECT_EQ(shown(options_for(OutputFormat::kTable), result).back(), "tokens=7 (cut)");
  AnswerCells cells(options_for(OutputFormat::kTable), {"a", "b", "c"});
  EXPECT_EQ(cells.of(kGood).front().tone, 1);
  EXPECT_EQ(cells.of(result_of({1, 0, 0}, 0, -0.5)).front().tone, -1);
  EXPECT_EQ(cells.of(result_of({1, 0, 0}, 0, 0.01)).front().tone, 0);
}

TEST(AnswerCells, OfAClassifierThatRoutesNameLanguageAndRoute) {
  using testing::IsSupersetOf;
  pipeline::Result translated = kGood, other = kGood;
  translated.routing = pipeline::Routing{"de", 0.75, pipeline::Route::kTranslated, "text", {}};
  translated.tasks = {{{0.25f, 0.75f}, 1}};
  other.routing = pipeline::Routing{
      "und", 0, pipeline::Route::kMultilingual, "", {"translation_empty", "tasks_unavailable"}};
  other.tasks = {{}};
  const auto options = [](OutputFormat format) {
    AnswerOptions out = options_for(format);
    out.routes = true;
    out.tasks = {{"irony", {"no", "yes"}}};
    out.provenance = {{"first", "", "", "", "", ""}, {"second", "", "", "", "", ""}};
    return out;
  };
  EXPECT_THAT(shown(options(OutputFormat::kJsonLines), translated),
              IsSupersetOf({"language=de", "language_confidence=0.75", "route=translated", "translation=text",
                            "warnings=[]"}));
  EXPECT_THAT(shown(options(OutputFormat::kJsonLines), other),
              IsSupersetOf({"route=multilingual", "translation", "tasks={}",
                            "warnings=[\"translation_empty\",\"tasks_unavailable\"]"}));
  EXPECT_THAT(shown(options(OutputFormat::kCsv), translated),
              IsSupersetOf({"route=translated", "irony=yes", "model=first"}));
  EXPECT_THAT(shown(options(OutputFormat::kCsv), other),
              IsSupersetOf({"warnings=translation_empty tasks_unavailable", "irony", "model=second"}));
  EXPECT_THAT(shown(options(OutputFormat::kTable), other),
              IsSupersetOf({"language=und", "route=multilingual", "irony="}));
}

}  // namespace
}  // namespace valence::jobs
