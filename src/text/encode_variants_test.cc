// The settings that decide whether encode() may take a shortcut, each held against encode_with_offsets().
#include <gtest/gtest.h>

#include <functional>

#include "text/tokenizer_for_test.h"

namespace valence::text {
namespace {

using formats::Json;

// A fixture's tokenizer.json whose members another text may take the place of.
class Document {
 public:
  explicit Document(const std::string& fixture) : json_(read_golden(fixture + "/tokenizer.json")) {}

  Document& set(const std::string& member, const std::string& value) {
    changes_.emplace_back(member, value);
    return *this;
  }
  Document& set_in_model(const std::string& member, const std::string& value) {
    model_changes_.emplace_back(member, value);
    return *this;
  }
  std::unique_ptr<Tokenizer> load() const {
    auto changes = changes_;
    changes.emplace_back("model", text_of(*json_.find("model"), model_changes_));
    return load_tokenizer_json(text_of(json_, changes), "tokenizer.json");
  }

 private:
  using Changes = std::vector<std::pair<std::string, std::string>>;

  static std::string text_of(const Json& object, const Changes& changes) {
    std::string out = "{";
    for (const auto& [name, value] : object.as_object("tokenizer.json")) {
      std::string text = value.dump();
      for (const auto& [changed, to] : changes) text = changed == name ? to : text;
      out += (out.size() > 1 ? ",\"" : "\"") + name + "\":" + text;
    }
    return out + "}";
  }

  Json json_;
  Changes changes_, model_changes_;
};

void expect_same(const Tokenizer& tokenizer, int random_texts = 400) {
  std::vector<std::string> texts = golden_texts();
  RandomTexts source(17);
  for (int i = 0; i < random_texts; ++i) texts.push_back(source.next());
  for (int round = 0; round < 2; ++round) {
    for (const std::string& text : texts) {
      ASSERT_EQ(ids_of(tokenizer, text), tokenizer.encode_with_offsets(text).ids)
          << ::testing::PrintToString(text);
    }
  }
}

std::string added(const std::string& content, int id, const std::string& flags = "") {
  return R"({"id":)" + std::to_string(id) + R"(,"content":")" + content + "\"" + flags + "}";
}

const char* word(bool value) { return value ? "true" : "false"; }

TEST(EncodeVariants, EverySettingOfBertsNormalizer) {
  for (int bits = 0; bits < 16; ++bits) {
    SCOPED_TRACE(bits);
    const std::string normalizer = std::string(R"({"type":"BertNormalizer","clean_text":)") + word(bits & 1) +
                                   R"(,"handle_chinese_chars":)" + word(bits & 2) + R"(,"strip_accents":)" +
                                   word(bits & 4) + R"(,"lowercase":)" + word(bits & 8) + "}";
    expect_same(*Document("bert-uncased-json").set("normalizer", normalizer).load(), 200);
  }
}

TEST(EncodeVariants, OtherStagesAroundWordPiece) {
  expect_same(*Document("bert-uncased-json").set("normalizer", "null").load());
  expect_same(*Document("bert-uncased-json").set("normalizer", R"({"type":"Lowercase"})").load());
  expect_same(*Document("bert-uncased-json").set("pre_tokenizer", "null").load(), 100);
  expect_same(*Document("bert-uncased-json").set("pre_tokenizer", R"({"type":"WhitespaceSplit"})").load());
  expect_same(*Document("bert-uncased-json").set("post_processor", "null").load());
}

TEST(EncodeVariants, OtherSettingsOfWordPiece) {
  for (const char* longest : {"0", "1", "3", "10000"}) {
    SCOPED_TRACE(longest);
    expect_same(*Document("bert-uncased-json").set_in_model("max_input_chars_per_word", longest).load(), 200);
  }
  expect_same(*Document("bert-uncased-json").set_in_model("continuing_subword_prefix", R"("")").load());
  expect_same(*Document("bert-uncased-json").set_in_model("unk_token", R"("[MASK]")").load());
}

TEST(EncodeVariants, EverySettingOfTheByteLevelPreTokenizer) {
  for (int bits = 0; bits < 4; ++bits) {
    SCOPED_TRACE(bits);
    const std::string stage = std::string(R"({"type":"ByteLevel","add_prefix_space":)") + word(bits & 1) +
                              R"(,"use_regex":)" + word(bits & 2) + "}";
    expect_same(*Document("roberta-json").set("pre_tokenizer", stage).load());
    expect_same(
        *Document("roberta-json").set("pre_tokenizer", stage).set("normalizer", R"({"type":"NFC"})").load(),
        100);
  }
}

TEST(EncodeVariants, EverySettingOfBytePairEncoding) {
  for (const char* flag : {"ignore_merges", "fuse_unk", "byte_fallback"}) {
    SCOPED_TRACE(flag);
    expect_same(*Document("roberta-json").set_in_model(flag, "true").load());
  }
  expect_same(*Document("roberta-json").set_in_model("unk_token", R"("<unk>")").load());
  expect_same(*Document("roberta-json").set_in_model("merges", "[]").load());
  expect_same(*Document("roberta-json")
                   .set_in_model("merges", "[]")
                   .set_in_model("end_of_word_suffix", R"("</w>")")
                   .load());
  expect_same(*Document("roberta-json")
                   .set_in_model("merges", "[]")
                   .set_in_model("continuing_subword_prefix", R"("##")")
                   .load());
}

// A vocabulary without some of the bytes loses them, or has an unknown token for them.
TEST(EncodeVariants, BytePairEncodingThatLacksBytes) {
  const std::string vocab =
      R"({"<unk>":0,"a":1,"b":2,"l":3,"o":4,"v":5,"e":6,"Ġ":7,"lo":8,"ve":9,"love":10,"Ġlove":11})";
  for (const char* unknown : {"null", R"("<unk>")"}) {
    SCOPED_TRACE(unknown);
    expect_same(*Document("roberta-json")
                     .set_in_model("vocab", vocab)
                     .set_in_model("unk_token", unknown)
                     .set_in_model("merges", R"(["l o","v e","lo ve","Ġ love"])")
                     .set("post_processor", "null")
                     .set("added_tokens", "[]")
                     .load());
  }
}

TEST(EncodeVariants, EveryWayToMarkSpaces) {
  std::mt19937 random(29);
  // Marks that cluster with a space before them, prepended signs that cluster with one behind them,
  // conjuncts.
  const char* kParts[] = {"a",      "love",   " ",      "  ",           "\u2581",     "\u0301",
                          "\u200D", "\u0903", "\u0600", "\u0915\u094D", "\u0915",     "\t",
                          "\u3000", "\uFB01", "\u00E9", "\U0001F44D",   "\U0001F3FD", "\r\n"};
  for (const char* fixture : {"xlmr-json", "xlmr-json-charsmap"}) {
    for (const char* scheme : {"always", "first", "never"}) {
      SCOPED_TRACE(std::string(fixture) + " " + scheme);
      const std::string mark =
          std::string(R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":")") + scheme + R"("})";
      const std::string both =
          R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},)" + mark + "]}";
      for (const std::string& stage : {mark, both}) {
        const auto tokenizer = Document(fixture).set("pre_tokenizer", stage).load();
        expect_same(*tokenizer, 100);
        for (int i = 0; i < 500; ++i) {
          std::string text;
          for (size_t count = 1 + random() % 10; count > 0; --count)
            text += kParts[random() % std::size(kParts)];
          ASSERT_EQ(ids_of(*tokenizer, text), tokenizer->encode_with_offsets(text).ids)
              << ::testing::PrintToString(text);
        }
      }
      expect_same(*Document(fixture).set("pre_tokenizer", both).set("normalizer", "null").load(), 100);
    }
  }
}

// The reference counts the entries of a Unigram vocabulary, not its tokens.
TEST(EncodeVariants, AnAddedTokenFollowsAllEntriesOfAUnigramVocabulary) {
  const auto tokenizer = Document("xlmr-json")
                             .set("normalizer", "null")
                             .set("pre_tokenizer", "null")
                             .set("post_processor", "null")
                             .set("added_tokens", "[" + added("NEW", 3) + "]")
                             .set_in_model("vocab", R"([["<unk>",0],["a",-1],["a",-0.5]])")
                             .set_in_model("unk_id", "0")
                             .load();
  EXPECT_EQ(ids_of(*tokenizer, "aNEW"), (std::vector<int32_t>{2, 3}));
}

TEST(EncodeVariants, AddedTokensOfEveryKind) {
  const char* kFlags[] = {"",
                          R"(,"normalized":true)",
                          R"(,"normalized":true,"lstrip":true)",
                          R"(,"normalized":true,"rstrip":true,"single_word":true)",
                          R"(,"lstrip":true,"rstrip":true)",
                          R"(,"single_word":true,"special":true)"};
  for (const char* fixture :
       {"bert-uncased-json", "bert-cased-json", "roberta-json", "roberta-prefix-json", "xlmr-json"}) {
    const int next = Document(fixture).load()->vocab_size();
    for (const char* flags : kFlags) {
      SCOPED_TRACE(std::string(fixture) + flags);
      const std::string list = "[" + added("a Q", next, flags) + "," + added("\xC3\xA9 ", next + 1, flags) +
                               "," + added("Unb", next + 2, flags) + "]";
      const auto own = Document(fixture).set("post_processor", "null").set("added_tokens", list).load();
      expect_same(*own, 100);
      std::mt19937 random(19);
      const char* kParts[] = {"a",   " Q",     "a Q",    "\xC3\xA9", " ",    "Unb",
                              "unB", "\u3000", "[MASK]", ".",        "love", "e\u0301"};
      for (int i = 0; i < 300; ++i) {
        std::string text;
        for (size_t count = 1 + random() % 12; count > 0; --count)
          text += kParts[random() % std::size(kParts)];
        ASSERT_EQ(ids_of(*own, text), own->encode_with_offsets(text).ids) << ::testing::PrintToString(text);
      }
      const std::vector<int32_t> ids = ids_of(*own, "in a Q b");
      EXPECT_EQ(std::count(ids.begin(), ids.end(), next), 1);
    }
  }
}

// More different words than any cache holds, long and short, of few tokens and of many.
TEST(EncodeVariants, MoreWordsThanACacheKeeps) {
  std::mt19937 random(23);
  for (const char* fixture : {"bert-uncased", "roberta", "spm-unigram", "xlmr-json"}) {
    const auto tokenizer = load_fixture(fixture);
    for (int row = 0; row < 3500; ++row) {
      std::string text;
      for (int count = 0; count < 50; ++count) {
        const size_t length = 1 + random() % (count % 10 == 0 ? 40 : 14);
        for (size_t i = 0; i < length; ++i) text += static_cast<char>('a' + random() % 26);
        text += count % 3 == 0 ? ", " : " ";
      }
      ASSERT_EQ(ids_of(*tokenizer, text), tokenizer->encode_with_offsets(text).ids) << text;
    }
  }
}

}  // namespace
}  // namespace valence::text
