// What tokenizers look things up in, and the reader of their files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <map>

#include "text/byte_trie.h"
#include "text/charsmap.h"
#include "text/double_array_trie.h"
#include "text/json_cursor.h"
#include "text/tokenizer_for_test.h"
#include "text/vocab.h"

namespace valence::text {
namespace {

using ::testing::ElementsAre;
using valence::testing::expect_error;
using valence::testing::little_endian;

TEST(Vocab, FindsWhatWasAddedAndNothingElse) {
  Vocab vocab;
  std::mt19937 random(59);
  std::map<std::string, int32_t> wanted;
  for (int32_t id = 0; id < 20000; ++id) {
    const std::string token = "t" + std::to_string(random() % 15000);
    const bool is_new = !wanted.count(token);
    wanted[token] = 3 * id;
    ASSERT_EQ(vocab.add(token, 3 * id), is_new);
  }
  EXPECT_EQ(vocab.size(), wanted.size());
  EXPECT_EQ(vocab.end_id(), 3 * 19999 + 1);
  for (const auto& [token, id] : wanted) {
    ASSERT_EQ(vocab.find(token), id);
    ASSERT_EQ(vocab.token(id), token);
    ASSERT_EQ(vocab.find(token + "x"), -1);
    ASSERT_EQ(vocab.find(std::string_view(token).substr(1), "t", PrefixHash::of(token)), id);
  }
  EXPECT_EQ(vocab.find(""), -1);
  EXPECT_EQ(vocab.token(1), "");
  EXPECT_EQ(vocab.token(-1), "");
  EXPECT_EQ(vocab.token(1 << 24), "");
  EXPECT_FALSE(vocab.has_id(1));
  EXPECT_TRUE(vocab.has_id(3));
}

TEST(Vocab, HashesOfPrefixesComeFromOnePass) {
  uint64_t hash = PrefixHash::kStart;
  const std::string word = "unbelievable\xC3\xA9";
  for (size_t i = 0; i < word.size(); ++i) {
    hash = PrefixHash::extend(hash, static_cast<unsigned char>(word[i]));
    EXPECT_EQ(hash, PrefixHash::of(std::string_view(word).substr(0, i + 1)));
  }
  EXPECT_EQ(PrefixHash::of("love", PrefixHash::of("##")), PrefixHash::of("##love"));
}

TEST(Tries, FindAllKeysThatBeginAText) {
  ByteTrie trie;
  std::deque<std::string> texts;
  std::vector<DoubleArrayTrie::Key> all;
  std::map<std::string, int32_t> keys;
  std::mt19937 random(61);
  const auto word = [&](size_t longest) {
    std::string out;
    for (size_t length = 1 + random() % longest; length > 0; --length) out += "ab\xFF\0"[random() % 4];
    return out;
  };
  EXPECT_TRUE(trie.empty());
  for (int32_t value = 0; value < 3000; ++value) {
    const std::string key = word(9);
    trie.add(key, value);
    keys[key] = value;
    all.push_back({texts.emplace_back(key), value});
  }
  EXPECT_FALSE(trie.empty());
  const DoubleArrayTrie fixed(std::move(all));
  for (int i = 0; i < 3000; ++i) {
    const std::string text = word(14);
    std::vector<std::pair<size_t, int32_t>> found, found_fixed, wanted;
    trie.prefixes(text, [&](size_t length, int32_t value) { found.emplace_back(length, value); });
    fixed.prefixes(text, [&](size_t length, int32_t value) { found_fixed.emplace_back(length, value); });
    for (size_t length = 1; length <= text.size(); ++length) {
      const auto it = keys.find(text.substr(0, length));
      if (it != keys.end()) wanted.emplace_back(length, it->second);
    }
    ASSERT_EQ(found, wanted);
    ASSERT_EQ(found_fixed, wanted);
    ASSERT_EQ(fixed.longest(text), wanted.empty() ? 0 : wanted.back().first);
    ASSERT_EQ(trie.longest(text).length, wanted.empty() ? 0 : wanted.back().first);
  }
}

TEST(DoubleArrayTrie, OfNoKeysFindsNothing) {
  const DoubleArrayTrie trie;
  EXPECT_EQ(trie.longest(std::string_view("a\0", 2)), 0);
  EXPECT_EQ(trie.longest(std::string_view("\0", 1)), 0);
}

// A trie by hand: "a" -> "x", "ab" -> "yz".
Charsmap small_map() {
  std::vector<uint32_t> units(512);
  const auto child = [](uint32_t byte, uint32_t offset, bool leaf) {
    return byte | offset << 10 | static_cast<uint32_t>(leaf) << 8;
  };
  units[0] = child(0, 256, false);
  units[256 ^ 'a'] = child('a', 64, true);
  const uint32_t at_a = 256 ^ 'a' ^ 64;
  units[at_a] = 1u << 31 | 0;
  units[at_a ^ 'b'] = child('b', 7, true);
  units[at_a ^ 'b' ^ 7] = 1u << 31 | 2;
  std::string bytes = little_endian(static_cast<uint32_t>(units.size() * 4));
  for (const uint32_t unit : units) bytes += little_endian(unit);
  return Charsmap(bytes + std::string("x\0yz\0", 5), "test");
}

TEST(Charsmap, FindsTheShortestAndTheLongestKey) {
  const Charsmap map = small_map();
  EXPECT_EQ(map.shortest("abc")->replacement, "x");
  EXPECT_EQ(map.shortest("abc")->length, 1u);
  EXPECT_EQ(map.longest("abc")->replacement, "yz");
  EXPECT_EQ(map.longest("abc")->length, 2u);
  EXPECT_EQ(map.longest("ac")->length, 1u);
  EXPECT_FALSE(map.longest("b"));
  EXPECT_FALSE(map.longest(""));
  EXPECT_FALSE(map.longest(std::string_view("\0a", 2)));
  EXPECT_FALSE(Charsmap().longest("a"));
}

// A damaged trie leads anywhere; it must not lead outside.
TEST(Charsmap, StaysInsideADamagedTrie) {
  std::mt19937 random(67);
  for (int i = 0; i < 300; ++i) {
    const uint32_t units = 1 + random() % 64;
    std::string bytes = little_endian(units * 4);
    for (uint32_t k = 0; k < units; ++k) bytes += little_endian(static_cast<uint32_t>(random()));
    const Charsmap map(bytes + "abc", "test");
    for (int byte = 0; byte < 256; ++byte) {
      const std::string text(20, static_cast<char>(byte));
      const auto match = map.longest(text);
      ASSERT_LE(match ? match->length : 0, text.size());
    }
  }
}

TEST(Base64, DecodesRfc4648) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"Zg==", "f"},
                                                       {"Zm8=", "fo"},
                                                       {"Zm9v", "foo"},
                                                       {"Zm9vYg==", "foob"},
                                                       {"Zm9vYmE=", "fooba"},
                                                       {"+/+/", "\xFB\xFF\xBF"}};
  for (const auto& [text, bytes] : cases) EXPECT_EQ(decode_base64(text, "test"), bytes) << text;
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "Z===", "Zm9v Zg==", "Zm-_", "=Zg=", "Zm9v====", "Z=9v"}) {
    expect_error(ErrorCode::kBadData, "base64", [&] { decode_base64(text, "test"); });
  }
}

double number(std::string_view text) { return JsonCursor(text, "test").number(); }

// Scores that are nearly equal decide by the last bit, so numbers are read as the reference's reader does:
// by one division or product of the digits, not as the nearest double.
TEST(JsonCursor, ReadsNumbersAsTheReferenceDoes) {
  EXPECT_EQ(number("0"), 0);
  EXPECT_EQ(number("-1.5"), -1.5);
  EXPECT_EQ(number("12e2"), 1200);
  EXPECT_EQ(number("-3.25E-1"), -0.325);
  EXPECT_EQ(number("-11.615906715393066"), -11615906715393066.0 / 1e15);
  EXPECT_EQ(number("1e-400"), 0);
  EXPECT_EQ(number("0e999999999999"), 0);
  EXPECT_TRUE(std::signbit(number("-0.0")));
  for (const char* text : {"", "-", "+1", ".5", "1.", "1e", "01", "inf", "NaN", "1e400", "0x1"}) {
    expect_error(ErrorCode::kBadData, "test", [&] {
      JsonCursor cursor(text, "test");
      cursor.number();
      cursor.finish();
    });
  }
}

TEST(JsonCursor, ReadsStringsWithTheirEscapes) {
  JsonCursor cursor(R"( "plain" , "a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00" )", "test");
  EXPECT_EQ(cursor.string(), "plain");
  cursor.expect(',');
  EXPECT_EQ(cursor.string(), "a\"\\/\b\f\n\r\t\u00E9\U0001F600");
  cursor.finish();
  for (const char* text : {"\"", "\"a", "a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\udc00\"",
                           "\"\\ud800x\"", "\"\\ud800\\u0041\"", "\"\x01\""}) {
    expect_error(ErrorCode::kBadData, "test", [&] { JsonCursor(text, "test").string(); });
  }
}

TEST(JsonCursor, WalksObjectsAndArraysAndTakesValuesWhole) {
  JsonCursor cursor(R"({"a":[1,2,{"x":[]}], "b": "y", "c":{}, "d":[]})", "test");
  std::vector<std::string> seen;
  cursor.object(
      [&](std::string_view key) { seen.push_back(std::string(key) + "=" + std::string(cursor.skip())); });
  cursor.finish();
  EXPECT_THAT(seen, ElementsAre(R"(a=[1,2,{"x":[]}])", R"(b="y")", "c={}", "d=[]"));
  JsonCursor list("[ 3 , 4 ]", "test");
  std::vector<int64_t> numbers;
  list.array([&] { numbers.push_back(list.integer(9)); });
  EXPECT_THAT(numbers, ElementsAre(3, 4));
  for (const char* text : {"[", "[1", "[1,", "[1 2]", "[,1]"}) {
    expect_error(ErrorCode::kBadData, "test is not as expected at byte", [&] {
      JsonCursor damaged(text, "test");
      damaged.array([&] { damaged.integer(9); });
    });
  }
}

}  // namespace
}  // namespace valence::text
