// Predictions are held against those of fastText itself (tools/make_language_goldens.py); files that are
// broken in any way are refused.
#include "language/fasttext_model.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "formats/json.h"

namespace valence::language {
namespace {

using testing::HasSubstr;

std::string contents(const std::string& path) { return std::string(map_file(path)->text()); }
std::string small_model(const char* name) { return contents(std::string(SEEDS) + "/" + name); }

FastTextFile read(std::string_view bytes) {
  return read_fasttext(std::as_bytes(std::span(bytes)), "model.ftz");
}

std::string refusal(std::string_view bytes) {
  try {
    read(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    return error.what();
  }
  return "accepted";
}

template <typename T>
std::string with(std::string bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
  return bytes;
}

TEST(FastTextModel, AnswersAsFastTextDoes) {
  const FastTextModel model(read(contents(std::string(MODELS) + "/language/lid.176.ftz")));
  std::ifstream goldens(std::string(GOLDENS) + "/lid.176.jsonl");
  int lines = 0;
  for (std::string line; std::getline(goldens, line); ++lines) {
    const auto golden = formats::Json::parse(line, "golden");
    const std::string& text = golden.find("text")->as_string("text");
    const auto& expected = golden.find("best")->as_array("best");
    const auto found = model.best(text, 5);
    ASSERT_GE(found.size(), expected.size()) << text;  // fastText gives none below 0.00001
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto& pair = expected[i].as_array("pair");
      EXPECT_EQ(model.labels()[found[i].label], pair[0].as_string("label")) << text;
      EXPECT_NEAR(found[i].probability, pair[1].as_number("value"), 1e-5) << text;
    }
  }
  EXPECT_GT(lines, 30);
}

// The values are fastText's for these two files.
TEST(FastTextModel, ReadsDenseMatricesAndNgramsOfWords) {
  const FastTextModel model(read(small_model("dense")));
  EXPECT_THAT(model.labels(), testing::ElementsAre("a", "b", "c"));
  const auto best = model.best("the good bad thing", 3);
  EXPECT_NEAR(best[0].probability, 0.499248, 1e-5);
  EXPECT_NEAR(best[1].probability, 0.251345, 1e-5);
  EXPECT_EQ(best[2].label, 2u);
  EXPECT_NEAR(model.best("", 3)[0].probability, 0.668233, 1e-5);
}

TEST(FastTextModel, ReadsQuantizedMatricesAndSoftmax) {
  const FastTextModel model(read(small_model("quantized")));
  const auto best = model.best("bad good", 2);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(model.labels()[best[0].label], "c");
  EXPECT_NEAR(best[0].probability, 0.920473, 1e-5);
  EXPECT_NEAR(best[1].probability, 0.042467, 1e-5);
}

TEST(FastTextModel, TheFastEstimateIsNearTheExactOne) {
  const FastTextModel model(read(contents(std::string(MODELS) + "/language/lid.176.ftz")));
  std::vector<float> hidden(model.dim()), exact(model.labels().size()), fast(model.labels().size());
  for (const float scale : {0.0F, 0.01F, 0.3F, 1.0F, 20.0F}) {
    for (size_t i = 0; i < hidden.size(); ++i) hidden[i] = scale * (static_cast<float>(i * 7 % 5) - 2);
    model.log_probabilities(hidden, exact);
    model.estimate_log_probabilities(hidden, fast);
    for (size_t i = 0; i < exact.size(); ++i) {
      EXPECT_NEAR(std::exp(fast[i]), std::exp(exact[i]), 1e-3) << scale << ' ' << model.labels()[i];
    }
  }
}

TEST(FastTextFile, IsRefusedWhenCutOffAnywhere) {
  for (const char* name : {"dense", "quantized"}) {
    const std::string whole = small_model(name);
    for (size_t size = 0; size < whole.size(); ++size) {
      ASSERT_THAT(refusal(whole.substr(0, size)), HasSubstr("model.ftz is not a fastText model")) << size;
    }
  }
}

TEST(FastTextFile, ABrokenNumberIsNamed) {
  const std::string good = small_model("dense");
  EXPECT_THAT(refusal(with(good, 0, 1)), HasSubstr("magic number"));
  EXPECT_THAT(refusal(with(good, 4, 13)), HasSubstr("version 13"));
  EXPECT_THAT(refusal(with(good, 8, 0)), HasSubstr("dim is 0"));
  EXPECT_THAT(refusal(with(good, 8, 3)), HasSubstr("the input matrix is 13 x 2, expected 13 x 3"));
  EXPECT_THAT(refusal(with(good, 8 + 6 * 4, 9)), HasSubstr("unknown loss 9"));
  EXPECT_THAT(refusal(with(good, 8 + 7 * 4, 1)), HasSubstr("classifies nothing"));
  EXPECT_THAT(refusal(with(good, 8 + 8 * 4, -1)), HasSubstr("bucket is -1"));
  EXPECT_THAT(refusal(with(good, 8 + 8 * 4, 2'000'000'000)), HasSubstr("expected 2000000003 x 2"));
  EXPECT_THAT(refusal(with(good, 64, 2'000'000'000)), HasSubstr("the number of entries is 2000000000"));
  EXPECT_THAT(refusal(with(good, 64, -1)), HasSubstr("the number of entries is -1"));
  EXPECT_THAT(refusal(with(good, 68, 2)), HasSubstr("6 entries, but 2 words"));
  EXPECT_THAT(refusal(with(good, 84, int64_t{1} << 62)), HasSubstr("it ends within"));
}

// Whatever a single byte says, the file is refused in one way or usable.
TEST(FastTextFile, NoByteLeadsOutOfBounds) {
  for (const char* name : {"dense", "quantized"}) {
    const std::string good = small_model(name);
    for (size_t i = 0; i < std::min<size_t>(good.size(), 400); ++i) {
      for (const char value : {'\0', '\1', '\x7F', '\x80', '\xFF'}) {
        std::string bytes = good;
        bytes[i] = value;
        try {
          FastTextModel(read(bytes)).best("the good bad thing", 5);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kBadData);
        }
      }
    }
  }
}

TEST(LabelTree, JoinsTheRarestFirst) {
  const LabelTree tree(std::vector<int64_t>{8, 3, 2, 1}, "counts");
  ASSERT_EQ(tree.nodes().size(), 3u);
  EXPECT_EQ(tree.nodes()[0].left, 3u);
  EXPECT_EQ(tree.nodes()[0].right, 2u);
  EXPECT_EQ(tree.nodes()[2].right, 0u);
  EXPECT_TRUE(LabelTree(std::vector<int64_t>{5}, "one").nodes().empty());
  EXPECT_THROW(LabelTree(std::vector<int64_t>{1, 2}, "unsorted"), Error);
}

}  // namespace
}  // namespace valence::language
