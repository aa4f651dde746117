#include "text/tokenize_lines.h"

#include <gtest/gtest.h>

#include "text/tokenizer_for_test.h"

namespace valence::text {
namespace {

class TokenizeLines : public ::testing::Test {
 protected:
  // What comes out when the input arrives in parts of `part` bytes.
  std::string run(std::string_view input, TokenFormat format, int threads = 1, size_t part = 1 << 16) const {
    std::string out;
    size_t at = 0;
    const auto read = [&](std::string& buffer) {
      const size_t size = std::min(part, input.size() - at);
      buffer.append(input.substr(at, size));
      at += size;
      return at < input.size();
    };
    tokenize_lines(*tokenizer_, format, threads, read, [&](std::string_view text) { out += text; });
    return out;
  }
  std::string ids_line(std::string_view text) const {
    std::string out;
    for (const int32_t id : ids_of(*tokenizer_, text)) out += (out.empty() ? "" : " ") + std::to_string(id);
    return out + "\n";
  }
  const std::unique_ptr<Tokenizer> tokenizer_ = load_fixture("bert-uncased");
};

TEST_F(TokenizeLines, WritesOneLineForEachLine) {
  EXPECT_EQ(run("love it\nhate it\n", TokenFormat::kIds), ids_line("love it") + ids_line("hate it"));
  EXPECT_EQ(run("", TokenFormat::kIds), "");
  EXPECT_EQ(run("\n", TokenFormat::kIds), ids_line(""));
  EXPECT_EQ(run("\n\na", TokenFormat::kIds), ids_line("") + ids_line("") + ids_line("a"));
}

TEST_F(TokenizeLines, NeedsNoLineEndAtTheEnd) {
  EXPECT_EQ(run("love\nit", TokenFormat::kIds), run("love\nit\n", TokenFormat::kIds));
}

TEST_F(TokenizeLines, EndsALineAtCrLfToo) {
  EXPECT_EQ(run("love\r\nit\r\n", TokenFormat::kJson), run("love\nit\n", TokenFormat::kJson));
  EXPECT_EQ(run("\r\n", TokenFormat::kIds), ids_line(""));
  // A CR elsewhere is a character of the text.
  EXPECT_EQ(run("lo\rve\nit\r", TokenFormat::kIds), ids_line("lo\rve") + ids_line("it\r"));
}

TEST_F(TokenizeLines, CountsTokens) {
  EXPECT_EQ(run("\nlove\n", TokenFormat::kCount),
            "2\n" + std::to_string(ids_of(*tokenizer_, "love").size()) + "\n");
}

TEST_F(TokenizeLines, WritesIdsTokensAndOffsetsAsJson) {
  const std::string line = run("Love \xC3\xA9", TokenFormat::kJson);
  const formats::Json json = formats::Json::parse(line, "line");
  const Encoding encoding = tokenizer_->encode_with_offsets("Love \xC3\xA9");
  const auto& ids = json.find("ids")->as_array("ids");
  const auto& tokens = json.find("tokens")->as_array("tokens");
  const auto& offsets = json.find("offsets")->as_array("offsets");
  ASSERT_EQ(ids.size(), encoding.ids.size());
  ASSERT_EQ(tokens.size(), encoding.ids.size());
  ASSERT_EQ(offsets.size(), encoding.ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(ids[i].as_int("id"), encoding.ids[i]);
    EXPECT_EQ(tokens[i].as_string("token"), tokenizer_->token(encoding.ids[i]));
    EXPECT_EQ(offsets[i].as_array("offset").at(0).as_int("begin"), encoding.offsets[i].begin);
    EXPECT_EQ(offsets[i].as_array("offset").at(1).as_int("end"), encoding.offsets[i].end);
  }
}

TEST_F(TokenizeLines, TakesAnInvalidByteForAReplacementCharacter) {
  for (const TokenFormat format : {TokenFormat::kIds, TokenFormat::kJson, TokenFormat::kCount}) {
    EXPECT_EQ(run("lo\xFFve \xC3\n\xE2\x82 it \xED\xA0\x80\n", format),
              run("lo\uFFFDve \uFFFD\n\uFFFD\uFFFD it \uFFFD\uFFFD\uFFFD\n", format));
  }
}

// Blocks are cut at line ends, of 256 KiB: lines shorter, longer and much longer than that, in any parts.
TEST_F(TokenizeLines, GivesTheSameLinesHoweverTheInputArrivesAndWithAnyThreads) {
  std::string input, wanted;
  std::mt19937 random(41);
  const size_t sizes[] = {0, 1, 5, 80, 400, 5000, 262143, 262144, 262145, 700000};
  for (int i = 0; i < 60; ++i) {
    const size_t size = i % 6 == 5 ? sizes[random() % std::size(sizes)] : random() % 3000;
    std::string line;
    while (line.size() < size) line += random() % 6 == 0 ? ' ' : static_cast<char>('a' + random() % 4);
    line.resize(size);
    wanted += std::to_string(ids_of(*tokenizer_, line).size()) + "\n";
    input += line + (i % 2 ? "\r\n" : "\n");
  }
  for (const size_t part : {size_t{997}, size_t{1} << 18, input.size()}) {
    for (const int threads : {1, 3})
      EXPECT_EQ(run(input, TokenFormat::kCount, threads, part), wanted) << part;
  }
  input.resize(input.size() - 2);  // the last line ends with the file
  EXPECT_EQ(run(input, TokenFormat::kCount, 2), wanted);
}

TEST_F(TokenizeLines, GivesALineCutInEveryPlaceTheSameIds) {
  const std::string input = "I love \xC3\xA9t\xC3\xA9\r\n\xF0\x9F\x98\x80 it\n\nlast";
  const std::string wanted = run(input, TokenFormat::kJson);
  for (size_t part = 1; part < input.size(); ++part)
    EXPECT_EQ(run(input, TokenFormat::kJson, 1, part), wanted);
}

TEST_F(TokenizeLines, PassesOnTheErrorsOfReaderAndWriter) {
  const auto fail = [] { throw Error(ErrorCode::kRuntime, "disk full"); };
  const auto nothing = [](std::string_view) {};
  valence::testing::expect_error(ErrorCode::kRuntime, "disk full", [&] {
    tokenize_lines(*tokenizer_, TokenFormat::kIds, 2, [&](std::string&) { return fail(), true; }, nothing);
  });
  valence::testing::expect_error(ErrorCode::kRuntime, "disk full", [&] {
    const auto read = [](std::string& out) { return out += "a\n", false; };
    tokenize_lines(*tokenizer_, TokenFormat::kIds, 2, read, [&](std::string_view) { fail(); });
  });
}

TEST_F(TokenizeLines, RefusesALineOfMoreThan128MiB) {
  valence::testing::expect_error(ErrorCode::kBadData, "longer than 128 MiB", [&] {
    const auto read = [](std::string& out) { return out.append(size_t{16} << 20, 'a'), true; };
    tokenize_lines(*tokenizer_, TokenFormat::kCount, 1, read, [](std::string_view) {});
  });
}

}  // namespace
}  // namespace valence::text
