// encode() is the hot path and may take shortcuts; encode_with_offsets() goes through every stage. Whatever
// the text, and whatever was asked before, both give the same ids.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <thread>

#include "text/tokenizer_for_test.h"

namespace valence::text {
namespace {

std::string repeated(std::string_view part, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += part;
  return out;
}

size_t count_codes(std::string_view text) {
  size_t codes = 0;
  for (size_t at = 0; at < text.size(); ++codes) decode_utf8(text, at);
  return codes;
}

class Encode : public ::testing::TestWithParam<std::string> {
 protected:
  void expect_same(const std::string& text) const {
    const Encoding slow = tokenizer_->encode_with_offsets(text);
    EXPECT_EQ(ids_of(*tokenizer_, text), slow.ids) << ::testing::PrintToString(text.substr(0, 400));
  }
  const std::unique_ptr<Tokenizer> tokenizer_ = load_fixture(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Fixtures, Encode, ::testing::ValuesIn(fixture_names()), fixture_test_name);

TEST_P(Encode, GivesTheSameIdsWithAndWithoutOffsetsForRandomTexts) {
  RandomTexts texts(7);
  for (int i = 0; i < 1500 && !HasFailure(); ++i) expect_same(texts.next());
}

// Every code point alone and between letters would take minutes; each 97th meets every block of Unicode.
TEST_P(Encode, GivesTheSameIdsWithAndWithoutOffsetsForCodePointsOfAllPlanes) {
  std::string row;
  for (char32_t c = 1; c <= 0x10FFFF && !HasFailure(); c += c < 0x3400 ? 1 : 97) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    append_utf8(row, c);
    row += c % 5 == 0 ? "a" : c % 5 == 1 ? " " : "";
    if (row.size() < 120) continue;
    expect_same(row);
    row.clear();
  }
}

// Texts that are all one thing are where a quadratic stage would take hours.
TEST_P(Encode, TakesVeryLongTextsOfOneKind) {
  const std::pair<const char*, size_t> kinds[] = {
      {"a", 100'000},      {"a", 200'000},           {"\u0301", 100'000},
      {"e\u0301", 50'000}, {"!", 100'000},           {" ", 100'000},
      {"'s", 50'000},      {"\u4E2D", 50'000},       {"\U0001F44D\u200D", 30'000},
      {"ab ", 50'000},     {"\u0300\u0316", 50'000}, {"lo[MASK", 20'000},
      {" <mask>", 20'000}, {"[MASK] ", 20'000}};
  for (const auto& [part, times] : kinds) expect_same(repeated(part, times));
}

TEST_P(Encode, GivesTheSameIdsForWordsOfEveryLength) {
  for (const char* letter : {"a", "ab", "\u00E9", "lov", "\u4E2D", "\U0001F600"}) {
    for (size_t times = 1; times <= 130; ++times) expect_same("x " + repeated(letter, times) + " y");
  }
}

TEST_P(Encode, GivesTheSameIdsWhenTextsRepeatAndInterleave) {
  std::vector<std::string> texts = golden_texts();
  std::vector<std::vector<int32_t>> first;
  for (const std::string& text : texts) first.push_back(tokenizer_->encode_with_offsets(text).ids);
  std::mt19937 random(3);
  for (int i = 0; i < 4000; ++i) {
    const size_t k = random() % texts.size();
    ASSERT_EQ(ids_of(*tokenizer_, texts[k]), first[k]) << ::testing::PrintToString(texts[k]);
  }
}

// A cache keyed by words must not confuse words that share a beginning, an end or a length.
TEST_P(Encode, TellsApartWordsThatDifferInOneLetter) {
  std::mt19937 random(5);
  std::vector<std::string> words;
  std::vector<std::vector<int32_t>> wanted;
  for (int i = 0; i < 3000; ++i) {
    std::string word = "unbelievable";
    for (int change = 0; change < 2; ++change)
      word[random() % word.size()] = static_cast<char>('a' + random() % 26);
    word.resize(1 + random() % word.size());
    words.push_back(word);
    wanted.push_back(tokenizer_->encode_with_offsets(word).ids);
  }
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < words.size(); ++i) ASSERT_EQ(ids_of(*tokenizer_, words[i]), wanted[i]) << words[i];
  }
}

TEST_P(Encode, AppendsToTheIdsThatAreThere) {
  std::vector<int32_t> ids = {-7, 12};
  tokenizer_->encode("love it", ids);
  tokenizer_->encode("", ids);
  std::vector<int32_t> wanted = {-7, 12};
  for (const char* text : {"love it", ""}) {
    const Encoding encoding = tokenizer_->encode_with_offsets(text);
    wanted.insert(wanted.end(), encoding.ids.begin(), encoding.ids.end());
  }
  EXPECT_EQ(ids, wanted);
}

TEST_P(Encode, GivesTheSameIdsToTwoThreadsAtOnce) {
  RandomTexts source(11);
  std::vector<std::string> texts = golden_texts();
  for (int i = 0; i < 400; ++i) texts.push_back(source.next());
  std::vector<std::vector<int32_t>> wanted;
  for (const std::string& text : texts) wanted.push_back(tokenizer_->encode_with_offsets(text).ids);
  const auto fresh = load_fixture(GetParam());
  std::array<size_t, 2> wrong{};
  const auto work = [&](size_t self) {
    for (int round = 0; round < 5; ++round) {
      for (size_t i = 0; i < texts.size(); ++i) {
        const size_t k = self == 0 ? i : texts.size() - 1 - i;
        wrong[self] += ids_of(*fresh, texts[k]) != wanted[k];
        if (i % 7 == self) wrong[self] += fresh->encode_with_offsets(texts[k]).ids != wanted[k];
      }
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  EXPECT_EQ(wrong, (std::array<size_t, 2>{0, 0}));
}

TEST_P(Encode, KeepsTwoTokenizersInOneThreadApart) {
  const auto other = load_fixture(GetParam() == "roberta" ? "bert-uncased" : "roberta");
  for (const std::string& text : golden_texts()) {
    const std::vector<int32_t> mine = tokenizer_->encode_with_offsets(text).ids;
    const std::vector<int32_t> theirs = other->encode_with_offsets(text).ids;
    EXPECT_EQ(ids_of(*tokenizer_, text), mine);
    EXPECT_EQ(ids_of(*other, text), theirs);
    EXPECT_EQ(ids_of(*tokenizer_, text), mine);
  }
}

// A tokenizer that lives where an older one lived must not answer with what that one remembered.
TEST_P(Encode, ForgetsATokenizerThatIsGone) {
  for (const char* name : {"bert-cased", "bert-uncased", "roberta-prefix", "roberta", "xlmr"}) {
    const auto gone = load_fixture(name);
    ids_of(*gone, "I love this unbelievable film");
  }
  const auto fresh = load_fixture(GetParam());
  EXPECT_EQ(ids_of(*fresh, "I love this unbelievable film"),
            fresh->encode_with_offsets("I love this unbelievable film").ids);
}

TEST_P(Encode, OffsetsLieInTheTextAndGoForward) {
  RandomTexts source(13);
  std::vector<std::string> texts = golden_texts();
  for (int i = 0; i < 300; ++i) texts.push_back(source.next());
  const size_t around = tokenizer_->prefix_ids().size() + tokenizer_->suffix_ids().size();
  for (const std::string& text : texts) {
    SCOPED_TRACE(::testing::PrintToString(text));
    const Encoding encoding = tokenizer_->encode_with_offsets(text);
    ASSERT_EQ(encoding.ids.size(), encoding.offsets.size());
    ASSERT_GE(encoding.ids.size(), around);
    const size_t codes = count_codes(text);
    uint32_t begin = 0;
    for (size_t i = tokenizer_->prefix_ids().size();
         i + tokenizer_->suffix_ids().size() < encoding.ids.size(); ++i) {
      EXPECT_LE(encoding.offsets[i].begin, encoding.offsets[i].end);
      EXPECT_LE(encoding.offsets[i].end, codes);
      if (encoding.offsets[i].begin == encoding.offsets[i].end) continue;  // a space that was trimmed away
      EXPECT_GE(encoding.offsets[i].begin, begin);
      begin = encoding.offsets[i].begin;
    }
  }
}

// What marks the place of a token in its word or before a space is no part of the text.
std::string surface(std::string token) {
  for (const char* mark : {"##", "\u0120", "\u2581"}) {
    if (token.starts_with(mark)) token.erase(0, std::string_view(mark).size());
    if (token.ends_with(mark)) token.erase(token.size() - std::string_view(mark).size());
  }
  return token;
}

std::string stripped(std::string text) {
  text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

TEST_P(Encode, OffsetsCutTheTokensOutOfThePlainText) {
  const std::string text = "the service was very slow, and it is good";
  const Encoding encoding = tokenizer_->encode_with_offsets(text);
  std::string letters;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const auto [begin, end] = encoding.offsets[i];
    if (begin == end) continue;
    if (surface(tokenizer_->token(encoding.ids[i])).empty()) continue;  // the mark of a space alone
    const std::string part = stripped(text.substr(begin, end - begin));
    EXPECT_EQ(part, surface(tokenizer_->token(encoding.ids[i])));
    letters += part;
  }
  std::string wanted = text;
  std::erase(wanted, ' ');
  EXPECT_EQ(letters, wanted);
}

TEST_P(Encode, EveryTextStandsBetweenTheSpecialTokens) {
  const std::vector<int32_t> prefix = tokenizer_->prefix_ids(), suffix = tokenizer_->suffix_ids();
  EXPECT_EQ(prefix.empty(), GetParam().starts_with("spm"));
  EXPECT_EQ(suffix.empty(), GetParam().starts_with("spm"));
  std::vector<int32_t> both = prefix;
  both.insert(both.end(), suffix.begin(), suffix.end());
  EXPECT_EQ(ids_of(*tokenizer_, ""), both);
  const std::vector<int32_t> ids = ids_of(*tokenizer_, "love");
  ASSERT_GT(ids.size(), both.size());
  EXPECT_TRUE(std::equal(prefix.begin(), prefix.end(), ids.begin()));
  EXPECT_TRUE(std::equal(suffix.rbegin(), suffix.rend(), ids.rbegin()));
}

TEST_P(Encode, EveryIdIsInTheVocabularyAndHasItsText) {
  std::set<int32_t> seen;
  for (const std::string& text : golden_texts()) {
    for (const int32_t id : ids_of(*tokenizer_, text)) seen.insert(id);
  }
  for (const int32_t id : seen) {
    EXPECT_LT(id, tokenizer_->vocab_size());
    EXPECT_NE(tokenizer_->token(id), "") << id;
  }
  EXPECT_NE(tokenizer_->token(tokenizer_->vocab_size() - 1), "");
  for (const int32_t id : {-1, tokenizer_->vocab_size(), INT32_MIN, INT32_MAX})
    EXPECT_EQ(tokenizer_->token(id), "");
}

}  // namespace
}  // namespace valence::text
