// Bare SentencePiece models, written here field by field, and what is wrong with those that are refused.
#include <gtest/gtest.h>

#include "text/sentencepiece_file.h"
#include "text/tokenizer_for_test.h"

namespace valence::text {
namespace {

using valence::testing::expect_error;
using valence::testing::little_endian;
using Type = SentencePieceFile::Type;
using Ids = std::vector<int32_t>;

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string number_field(int number, uint64_t value) { return varint(number << 3) + varint(value); }
std::string text_field(int number, std::string_view text) {
  return varint(number << 3 | 2) + varint(text.size()) + std::string(text);
}
std::string piece(std::string_view text, float score = 0, Type type = Type::kNormal) {
  const std::string fields = text_field(1, text) + varint(2 << 3 | 5) + little_endian(score);
  return text_field(1, fields + number_field(3, static_cast<uint64_t>(type)));
}
std::string trainer(uint64_t kind, bool fallback = false) {
  return text_field(2, number_field(3, kind) + number_field(35, fallback));
}
std::string normalizer(bool dummy_prefix = true, bool remove_spaces = true, bool escape = true) {
  return text_field(3,
                    number_field(3, dummy_prefix) + number_field(4, remove_spaces) + number_field(5, escape));
}
std::string specials() {
  return piece("<unk>", 0, Type::kUnknown) + piece("<s>", 0, Type::kControl) +
         piece("</s>", 0, Type::kControl);
}
std::string small_model() {
  return specials() + piece("\u2581a", -1) + piece("b", -2) + piece("\u2581", -3) + piece("bb", -2.5) +
         trainer(1) + normalizer();
}
std::unique_ptr<Tokenizer> load(const std::string& bytes) {
  return load_sentencepiece(bytes, "dir/spm.model", {});
}
Ids ids(const std::string& bytes, std::string_view text) { return ids_of(*load(bytes), text); }

TEST(SentencePiece, ReadsAModel) {
  EXPECT_EQ(ids(small_model(), "a bb"), (Ids{3, 5, 6}));
  EXPECT_EQ(ids(small_model(), ""), Ids{});
  EXPECT_EQ(load(small_model())->vocab_size(), 7);
  EXPECT_EQ(load(small_model())->token(6), "bb");
}

TEST(SentencePiece, SkipsFieldsItDoesNotKnow) {
  const std::string unknown = number_field(99, 7) + text_field(98, "text") + varint(97 << 3 | 5) + "1234" +
                              varint(96 << 3 | 1) + "12345678";
  EXPECT_EQ(ids(unknown + small_model() + unknown, "a bb"), (Ids{3, 5, 6}));
}

TEST(SentencePiece, ControlPiecesAreNotFoundInTheText) {
  const std::string model = small_model();
  const std::vector<int32_t> found = ids(model, "<s>");
  EXPECT_EQ(std::count(found.begin(), found.end(), 1), 0);
}

TEST(SentencePiece, UserDefinedPiecesWinAgainstAnySegmentation) {
  const std::string pieces = specials() + piece("\u2581", -1) + piece("ab", -0.1F) + piece("a", -5) +
                             piece("b", -5) + piece("bb", 0, Type::kUserDefined);
  EXPECT_EQ(ids(pieces + trainer(1) + normalizer(), "abb"), (Ids{3, 5, 7}));
  EXPECT_EQ(ids(pieces + trainer(2) + normalizer(), "abb"), (Ids{3, 5, 7}));
}

TEST(SentencePiece, UnusedPiecesAreNoPartOfASegmentation) {
  const std::string model = specials() + piece("\u2581", -1) + piece("a", -5) +
                            piece("aa", 0, Type::kUnused) + trainer(1) + normalizer();
  EXPECT_EQ(ids(model, "aa"), (Ids{3, 4, 4}));
}

TEST(SentencePiece, SettingsOfSpacesAreKept) {
  const std::string pieces = specials() + piece("\u2581", -1) + piece("a", -1) + piece(" ", -1) + trainer(1);
  EXPECT_EQ(ids(pieces + normalizer(true, true), "  a  a "), (Ids{3, 4, 3, 4}));
  EXPECT_EQ(ids(pieces + normalizer(false, true), "  a  a "), (Ids{4, 3, 4}));
  EXPECT_EQ(ids(pieces + normalizer(false, false), "  a  a "), (Ids{3, 3, 4, 3, 3, 4, 3}));
  EXPECT_EQ(ids(pieces + normalizer(true, true, false), "a a"), (Ids{5, 4, 5, 4}));
}

std::string with_bytes(std::string model, size_t count = 256, bool fallback = true) {
  for (size_t byte = 0; byte < count; ++byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const std::string name = {'<', '0', 'x', kDigits[byte / 16], kDigits[byte % 16], '>'};
    model += piece(name, 0, Type::kByte);
  }
  return model + trainer(1, fallback) + normalizer();
}

TEST(SentencePiece, UnknownCharactersBecomeTheirBytes) {
  const std::string model = with_bytes(specials() + piece("\u2581", -1));
  EXPECT_EQ(ids(model, "\u00E9"), (Ids{3, 4 + 0xC3, 4 + 0xA9}));
  const Encoding encoding = load(model)->encode_with_offsets("\u00E9");
  EXPECT_EQ(pairs(encoding.offsets), pairs({{0, 1}, {0, 1}, {0, 1}}));
}

// Equal neighbours are merged from the left; pieces that no list of merges names are found by their text.
TEST(SentencePiece, BpeMergesTheBestNeighboursFirst) {
  const std::string pieces = specials() + piece("\u2581", -9) + piece("a", -8) + piece("aa", -1) +
                             piece("aaa", -2) + piece("b", -8) + piece("ab", -0.5F);
  EXPECT_EQ(ids(pieces + trainer(2) + normalizer(), "aaaa"), (Ids{3, 5, 5}));
  EXPECT_EQ(ids(pieces + trainer(2) + normalizer(), "aaab"), (Ids{3, 5, 8}));
  EXPECT_EQ(ids(pieces + trainer(2) + normalizer(), "aaa"), (Ids{3, 6}));
}

struct Malformed {
  std::string bytes;
  std::string part;
};

class MalformedSentencePiece : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedSentencePiece, IsOneClearError) {
  expect_error(ErrorCode::kBadData, GetParam().part, [] { load(GetParam().bytes); });
  expect_error(ErrorCode::kBadData, "dir/spm.model", [] { load(GetParam().bytes); });
}

INSTANTIATE_TEST_SUITE_P(
    Files, MalformedSentencePiece,
    ::testing::Values(
        Malformed{"", "0 pieces are the unknown one, expected 1"},
        Malformed{piece("a"), "0 pieces are the unknown one"},
        Malformed{specials() + piece("<u>", 0, Type::kUnknown) + piece("a"), "2 pieces are the unknown one"},
        Malformed{specials(), "it has no pieces"},
        Malformed{specials() + piece("a") + piece("a"), "two pieces are a"},
        Malformed{specials() + piece(""), "a piece is empty"},
        Malformed{specials() + piece("\xFF"), "a piece is not a text"},
        Malformed{specials() + piece(std::string_view("a\0b", 3)), "a piece is not a text"},
        Malformed{specials() + piece(std::string(1001, 'a')), "a piece is not a text of at most 1000 bytes"},
        Malformed{specials() + piece("a", NAN), "the score of a is no number"},
        Malformed{specials() + piece("a", INFINITY), "the score of a is no number"},
        Malformed{specials() + piece("a", 0, static_cast<Type>(7)), "a piece has the unknown type 7"},
        Malformed{specials() + piece("a", 0, static_cast<Type>(0)), "a piece has the unknown type 0"},
        Malformed{specials() + piece("a") + trainer(3), "its kind is 3, expected 1 (unigram) or 2 (BPE)"},
        Malformed{specials() + piece("a") + trainer(1, true), "0 pieces are bytes, expected 256"},
        Malformed{with_bytes(specials() + piece("a"), 255), "255 pieces are bytes, expected 256"},
        Malformed{with_bytes(specials() + piece("a"), 256, false), "256 pieces are bytes, expected 0"},
        Malformed{specials() + piece("a") + piece("b", 0, Type::kUnused) + trainer(2),
                  "unused pieces in a BPE model"},
        Malformed{small_model() + text_field(3, text_field(2, "abc")), "precompiled_charsmap is too short"},
        Malformed{small_model() + text_field(3, text_field(2, std::string(4, '\xFF') + "abcd")),
                  "precompiled_charsmap says"},
        Malformed{small_model() + text_field(3, text_field(2, std::string("\x04\0\0\0\0\0\0\0\xFF", 9))),
                  "not UTF-8"},
        Malformed{varint(1 << 3 | 2) + varint(1000) + "short", "a field of 1000 bytes, but only 5 are left"},
        Malformed{varint(1 << 3 | 2) + varint(UINT64_MAX), "a field of 18446744073709551615 bytes"},
        Malformed{std::string(11, '\xFF'), "a number of more than ten bytes"},
        Malformed{"\x80", "a field of 1 bytes, but only 0 are left"},
        Malformed{std::string(1, '\0'), "a field has the number 0"},
        Malformed{varint(1 << 3 | 3), "a field has the unknown wire type 3"},
        Malformed{number_field(1, 7), "field 1 has the wire type 0, expected 2"},
        Malformed{text_field(1, number_field(2, 7)), "field 2 has the wire type 0, expected 5"},
        Malformed{"{\"version\":\"1.0\"}", "is no SentencePiece model"}));

// Where a cut leaves whole fields only, the rest may be a model; then it is one of fewer pieces.
TEST(SentencePiece, CutAnywhereIsAnErrorOrASmallerModel) {
  const std::string model = valence::testing::read_file(golden_path("xlmr/sentencepiece.bpe.model"));
  const int32_t whole = load(model)->vocab_size();
  size_t refused = 0;
  for (size_t size = 0; size < model.size(); size += size < 500 ? 1 : 37) {
    try {
      EXPECT_LE(load(model.substr(0, size))->vocab_size(), whole);
    } catch (const Error& error) {
      EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(ErrorCode::kBadData)) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 200u);
}

// A bit that tipped over may give another model, but never a crash, and always texts of known ids.
TEST(SentencePiece, AFlippedBitIsAnErrorOrAModel) {
  const std::string model = valence::testing::read_file(golden_path("spm-bpe/spm.model"));
  std::mt19937 random(43);
  for (int i = 0; i < 1500; ++i) {
    std::string damaged = model;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    try {
      const auto tokenizer = load(damaged);
      for (const int32_t id : ids_of(*tokenizer, "I love \uFF26\uFF49lm, e\u0301t\u00E9 <3 good!")) {
        ASSERT_LT(id, tokenizer->vocab_size());
        ASSERT_GE(id, 0);
      }
    } catch (const Error& error) {
      EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(ErrorCode::kBadData)) << error.what();
    }
  }
}

FolderSettings of_class(const std::string& name) {
  FolderSettings settings;
  settings.tokenizer_config = formats::Json::parse("{\"tokenizer_class\":\"" + name + "\"}", "settings");
  return settings;
}

TEST(SentencePiece, XlmRobertaHasItsOwnIds) {
  for (const char* name : {"XLMRobertaTokenizer", "XLMRobertaTokenizerFast"}) {
    const auto tokenizer = load_sentencepiece(small_model(), "spm.model", of_class(name));
    EXPECT_EQ(ids_of(*tokenizer, "a bb<mask>x"), (Ids{0, 4, 6, 7, 8, 6, 3, 2}));
    EXPECT_EQ(tokenizer->token(1), "<pad>");
    EXPECT_EQ(tokenizer->token(8), "<mask>");
  }
  const std::string other = piece("<unk>", 0, Type::kUnknown) + piece("a") + piece("b") + piece("c");
  expect_error(ErrorCode::kBadData, "expected <unk> <s> </s> as the first pieces",
               [&] { load_sentencepiece(other, "spm.model", of_class("XLMRobertaTokenizer")); });
}

TEST(SentencePiece, ModelsOfOtherFamiliesAreRefusedByName) {
  for (const char* name : {"T5Tokenizer", "AlbertTokenizer", "MBartTokenizer"}) {
    expect_error(ErrorCode::kBadData, name,
                 [&] { load_sentencepiece(small_model(), "spm.model", of_class(name)); });
  }
}

}  // namespace
}  // namespace valence::text
