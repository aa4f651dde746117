// The cache of words answers with what was stored for the very same bytes, or with nothing.
#include "text/word_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "text/bert_classes.h"

namespace valence::text {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using Ids = std::vector<int32_t>;

WordCache::Key key_of(std::string_view word) { return WordCache::key_of(word, word.size()); }

Ids found(const WordCache& cache, std::string_view word) {
  const auto ids = cache.find(key_of(word), word);
  return {ids.begin(), ids.end()};
}

std::string word_of_length(size_t length) {
  std::string word;
  for (size_t i = 0; i < length; ++i) word += static_cast<char>('a' + i % 26);
  return word;
}

TEST(WordCache, RemembersWordsOfAllLengthsWithAnyNumberOfIds) {
  for (size_t length = 1; length <= 128; ++length) {
    for (const int32_t count : {1, 4, 5, 64}) {
      WordCache cache;
      const std::string word = word_of_length(length);
      const Ids ids(static_cast<size_t>(count), static_cast<int32_t>(length));
      cache.store(key_of(word), word, ids);
      EXPECT_THAT(found(cache, word), ElementsAreArray(ids)) << length;
      EXPECT_THAT(found(cache, word + "x"), IsEmpty()) << length;
      EXPECT_THAT(found(cache, word.substr(1)), IsEmpty()) << length;
    }
  }
}

// A word is read sixteen bytes at a time: what lies behind it in the text must not count.
TEST(WordCache, LooksAtNoByteBehindTheWord) {
  for (size_t length = 1; length <= 40; ++length) {
    const std::string word = word_of_length(length), text = word + "0123456789ABCDEF";
    const WordCache::Key alone = key_of(word),
                         inside = WordCache::key_of(std::string_view(text).substr(0, length), text.size());
    EXPECT_EQ(alone.low, inside.low);
    EXPECT_EQ(alone.high, inside.high);
    EXPECT_EQ(alone.hash, inside.hash);
  }
}

TEST(WordCache, KeepsShortWordsApartByTheirKeys) {
  std::map<std::pair<uint64_t, uint64_t>, std::string> seen;
  std::mt19937 random(71);
  for (int i = 0; i < 50000; ++i) {
    std::string word;
    for (size_t length = 1 + random() % 14; length > 0; --length) word += "ab\0\xFF"[random() % 4];
    const WordCache::Key key = key_of(word);
    const auto [it, is_new] = seen.try_emplace({key.low, key.high}, word);
    ASSERT_EQ(it->second, word);
  }
}

// Words whose hashes are the same are an accident that no one can wait for, so it is made here.
TEST(WordCache, TellsWordsOfTheSameHashApart) {
  WordCache cache;
  const std::string one = word_of_length(30), other = "X" + one.substr(1), longer = one + "y";
  const WordCache::Key key = key_of(one);
  cache.store(key, one, Ids{1});
  EXPECT_EQ(cache.find(key, other).data(), nullptr);
  EXPECT_EQ(cache.find(key, longer).data(), nullptr);
  cache.store(key, other, Ids{2});
  const auto ids = cache.find(key, one);
  EXPECT_TRUE(ids.empty() || ids[0] == 1);

  WordCache short_words;
  const WordCache::Key a = key_of("a");
  WordCache::Key zero = key_of(std::string_view("a\0", 2));
  zero.hash = a.hash;
  short_words.store(a, "a", Ids{1});
  EXPECT_EQ(short_words.find(zero, std::string_view("a\0", 2)).data(), nullptr);
}

TEST(WordCache, KeepsNoWordThatIsVeryLongOrOfVeryManyIds) {
  WordCache cache;
  const std::string huge(1000, 'a');
  cache.store(key_of(huge), huge, Ids{1});
  EXPECT_THAT(found(cache, huge), IsEmpty());
  cache.store(key_of("a"), "a", Ids(1000, 1));
  EXPECT_THAT(found(cache, "a"), IsEmpty());
  cache.store(key_of("b"), "b", {});
  EXPECT_THAT(found(cache, "b"), IsEmpty());
}

// More words than there are places, and more long ones than there is memory for: some are forgotten, none is
// confused, and the last one is there.
TEST(WordCache, ForgetsButNeverConfuses) {
  WordCache cache;
  std::mt19937 random(73);
  const auto word = [](uint32_t n) {
    return std::to_string(n) + std::string(n % 7 == 0 ? 3 + n % 90 : n % 3, 'x');
  };
  const auto ids = [](uint32_t n) { return Ids(1 + n % 6, static_cast<int32_t>(n)); };
  size_t known = 0, wrong = 0;
  for (uint32_t n = 0; n < 400000; ++n) {
    cache.store(key_of(word(n)), word(n), ids(n));
    wrong += found(cache, word(n)) != ids(n);
    const uint32_t old = static_cast<uint32_t>(random() % (n + 1));
    const Ids answer = found(cache, word(old));
    known += !answer.empty();
    wrong += !answer.empty() && answer != ids(old);
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(known, 50000u);
  EXPECT_LT(known, 400000u);
}

TEST(WordCaches, GiveEachHolderItsOwnAndTheLastOnesNone) {
  WordCaches caches;
  std::set<WordCache*> seen;
  {
    std::vector<std::unique_ptr<WordCaches::Lease>> leases;
    for (int i = 0; i < 64; ++i) {
      leases.push_back(std::make_unique<WordCaches::Lease>(caches));
      ASSERT_NE(leases.back()->cache(), nullptr);
      EXPECT_TRUE(seen.insert(leases.back()->cache()).second);
    }
    EXPECT_EQ(WordCaches::Lease(caches).cache(), nullptr);
  }
  EXPECT_TRUE(seen.count(WordCaches::Lease(caches).cache()));
}

TEST(BertClasses, AreTheSameForBlocksAndForBytes) {
  std::mt19937 random(79);
  for (int i = 0; i < 4000; ++i) {
    char bytes[64];
    for (char& c : bytes) c = static_cast<char>(i < 4 ? 64 * i + (&c - bytes) : random());
    const BertClasses fast = bert_classes(bytes), plain = bert_classes_bytewise(bytes);
    ASSERT_EQ(fast.word, plain.word);
    ASSERT_EQ(fast.alone, plain.alone);
    ASSERT_EQ(fast.word & fast.alone, 0u);
  }
}

TEST(BertClasses, KnowTheAsciiPunctuationAndSpaces) {
  for (int c = 0; c < 128; ++c) {
    EXPECT_EQ(is_bert_punctuation(static_cast<unsigned char>(c)), std::ispunct(c) != 0) << c;
  }
  for (const char c : {' ', '\t', '\n', '\r'}) EXPECT_TRUE(is_bert_space(static_cast<unsigned char>(c)));
  // Control characters for BERT, which removes them from the middle of a word.
  for (const char c : {'\v', '\f', '\0', '\x1C'}) EXPECT_FALSE(is_bert_space(static_cast<unsigned char>(c)));
}

}  // namespace
}  // namespace valence::text
