// The three models, each held against its definition written as plainly as possible.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "text/aligned_text.h"
#include "text/bpe.h"
#include "text/tokenizer_for_test.h"
#include "text/unigram.h"
#include "text/wordpiece.h"

namespace valence::text {
namespace {

using Ids = std::vector<int32_t>;

std::vector<Token> tokens_of(const Model& model, std::string_view piece) {
  std::vector<Token> tokens;
  model.tokenize(piece, tokens);
  return tokens;
}

Ids ids_of(const Model& model, std::string_view piece) {
  Ids ids;
  for (const Token& token : tokens_of(model, piece)) ids.push_back(token.id);
  return ids;
}

std::string random_letters(std::mt19937& random, size_t length, int letters) {
  std::string out;
  while (out.size() < length)
    out += static_cast<char>('a' + static_cast<int>(random() % static_cast<unsigned>(letters)));
  return out;
}

void expect_covering(const std::vector<Token>& tokens, std::string_view piece) {
  uint32_t end = 0;
  for (const Token& token : tokens) {
    EXPECT_EQ(token.begin, end);
    EXPECT_GT(token.end, token.begin);
    end = token.end;
  }
  EXPECT_EQ(end, piece.size());
}

// Merges of random neighbours over a few letters, as training finds them, with the plain algorithm beside.
class PlainBpe {
 public:
  explicit PlainBpe(uint32_t seed, int letters, size_t merges) {
    std::mt19937 random(seed);
    for (int i = 0; i < letters; ++i) tokens_.push_back(std::string(1, static_cast<char>('a' + i)));
    while (merges_.size() < merges) {
      const std::string left = tokens_[random() % tokens_.size()], right = tokens_[random() % tokens_.size()];
      if (left.size() + right.size() > 12 || !ranks_.try_emplace({left, right}, merges_.size()).second)
        continue;
      merges_.emplace_back(left, right);
      if (known_.insert(left + right).second && left.size() + right.size() > 1)
        tokens_.push_back(left + right);
    }
  }

  Bpe build() const {
    Vocab vocab;
    for (size_t id = 0; id < tokens_.size(); ++id) vocab.add(tokens_[id], static_cast<int32_t>(id));
    return Bpe(std::move(vocab), Bpe::Merges(merges_.begin(), merges_.end()), {}, "test");
  }

  Ids tokenize(const std::string& piece) const {
    std::vector<std::string> symbols;
    for (const char c : piece) symbols.emplace_back(1, c);
    for (;;) {
      size_t best = 0, best_rank = SIZE_MAX;
      for (size_t i = 0; i + 1 < symbols.size(); ++i) {
        const auto found = ranks_.find({symbols[i], symbols[i + 1]});
        if (found == ranks_.end() || found->second >= best_rank) continue;
        best = i;
        best_rank = found->second;
      }
      if (best_rank == SIZE_MAX) break;
      symbols[best] += symbols[best + 1];
      symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    Ids ids;
    for (const std::string& symbol : symbols) {
      ids.push_back(
          static_cast<int32_t>(std::find(tokens_.begin(), tokens_.end(), symbol) - tokens_.begin()));
    }
    return ids;
  }

 private:
  std::vector<std::string> tokens_;
  std::set<std::string> known_;
  std::vector<std::pair<std::string, std::string>> merges_;
  std::map<std::pair<std::string, std::string>, size_t> ranks_;
};

// Short pieces are merged by scanning, long ones by a heap: the lengths go well beyond where that changes.
TEST(Bpe, MergesTheLowestRankFirstTheLeftmostOfEquals) {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    const PlainBpe plain(seed, seed % 2 ? 2 : 4, 60);
    const Bpe bpe = plain.build();
    std::mt19937 random(seed);
    for (size_t length = 1; length <= 160; ++length) {
      const std::string piece = random_letters(random, length, seed % 2 ? 2 : 4);
      ASSERT_EQ(ids_of(bpe, piece), plain.tokenize(piece)) << piece;
      expect_covering(tokens_of(bpe, piece), piece);
    }
    for (size_t length = 1; length <= 120; ++length) {
      const std::string piece(length, 'a');
      ASSERT_EQ(ids_of(bpe, piece), plain.tokenize(piece)) << piece;
    }
  }
}

// Bytes or their printable stand-ins: the same tokens.
TEST(Bpe, GivesBytesTheIdsOfTheirStandIns) {
  Vocab vocab;
  int32_t id = 0;
  for (const char32_t c : byte_alphabet()) vocab.add(to_utf8(std::u32string(1, c)), id++);
  vocab.add("\u0120a", id++);
  vocab.add("\u00C3\u00A9", id++);
  vocab.add("aa", id++);
  vocab.add("aaaa", id++);
  const Bpe bpe(std::move(vocab), {{"\u0120", "a"}, {"\u00C3", "\u00A9"}, {"a", "a"}, {"aa", "aa"}}, {},
                "test");
  ASSERT_TRUE(bpe.merges_bytes());
  RandomTexts texts(47);
  for (int i = 0; i < 2000; ++i) {
    std::string text = texts.next(), printable;
    if (i % 2) text += std::string(static_cast<size_t>(i % 97), 'a');
    for (const char c : text)
      printable += to_utf8(std::u32string(1, byte_alphabet()[static_cast<unsigned char>(c)]));
    Ids ids;
    bpe.tokenize_bytes(text, ids);
    ASSERT_EQ(ids, ids_of(bpe, printable));
  }
}

TEST(Bpe, TheByteAlphabetIsGpt2s) {
  EXPECT_EQ(byte_alphabet()[' '], U'\u0120');
  EXPECT_EQ(byte_alphabet()['\n'], U'\u010A');
  EXPECT_EQ(byte_alphabet()['a'], U'a');
  EXPECT_EQ(byte_alphabet()[0], U'\u0100');
  EXPECT_EQ(byte_alphabet()[0x7F], U'\u0121');
  EXPECT_EQ(byte_alphabet()[0xA0], U'\u0142');
  EXPECT_EQ(byte_alphabet()[0xAD], U'\u0143');
  EXPECT_EQ(byte_alphabet()[0xE9], U'\u00E9');
  EXPECT_EQ(std::set<char32_t>(byte_alphabet().begin(), byte_alphabet().end()).size(), 256u);
}

// The best sum of scores over all ways to cut, by trying all of them.
double best_score(const std::map<std::string, double>& scores, double unknown, const std::string& piece) {
  std::vector<double> best(piece.size() + 1, -1e300);
  best[0] = 0;
  for (size_t end = 1; end <= piece.size(); ++end) {
    for (size_t begin = 0; begin < end; ++begin) {
      const auto found = scores.find(piece.substr(begin, end - begin));
      if (found != scores.end()) best[end] = std::max(best[end], best[begin] + found->second);
      if (found == scores.end() && begin + 1 == end) best[end] = std::max(best[end], best[begin] + unknown);
    }
  }
  return best.back();
}

class RandomUnigram {
 public:
  explicit RandomUnigram(uint32_t seed) : random_(seed) {
    names_.push_back("<unk>");
    for (int i = 0; i < 40; ++i) {
      const std::string name = random_letters(random_, 1 + random_() % 5, 3);
      if (!scores_.try_emplace(name, -1.0 - static_cast<double>(random_() % 1000) / 128).second) continue;
      names_.push_back(name);
    }
  }
  Unigram build() const {
    Vocab vocab;
    std::vector<Unigram::Entry> entries;
    for (size_t id = 0; id < names_.size(); ++id) {
      vocab.add(names_[id], static_cast<int32_t>(id));
      if (id > 0) entries.push_back({static_cast<int32_t>(id), scores_.at(names_[id])});
    }
    return Unigram(std::move(vocab), entries, {.unknown = 0, .unknown_score = kUnknown}, "test");
  }
  std::string piece() { return random_letters(random_, 1 + random_() % 24, 4); }  // "d" is always unknown
  double best(const std::string& text) const { return best_score(scores_, kUnknown, text); }
  double score(const std::string& text, const std::vector<Token>& tokens) const {
    double sum = 0;
    for (const Token& token : tokens) {
      const std::string part = text.substr(token.begin, token.end - token.begin);
      sum += token.id > 0 ? scores_.at(part) : kUnknown * static_cast<double>(part.size());
      EXPECT_TRUE(token.id == 0 || names_[static_cast<size_t>(token.id)] == part);
    }
    return sum;
  }

 private:
  static constexpr double kUnknown = -30;
  std::mt19937 random_;
  std::vector<std::string> names_;
  std::map<std::string, double> scores_;
};

TEST(Unigram, FindsASegmentationOfTheBestScore) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    RandomUnigram random(seed);
    const Unigram unigram = random.build();
    for (int i = 0; i < 100; ++i) {
      const std::string piece = random.piece();
      const std::vector<Token> tokens = tokens_of(unigram, piece);
      expect_covering(tokens, piece);
      EXPECT_NEAR(random.score(piece, tokens), random.best(piece), 1e-9) << piece;
      for (size_t k = 1; k < tokens.size(); ++k)
        EXPECT_TRUE(tokens[k].id != 0 || tokens[k - 1].id != 0) << piece;
    }
  }
}

// The longest token that fits, from the left; none at some place makes the whole word unknown.
Ids plain_wordpiece(const std::set<std::string>& words, const std::vector<std::string>& by_id,
                    const std::string& word) {
  Ids ids;
  for (size_t begin = 0; begin < word.size();) {
    size_t end = word.size();
    std::string token;
    for (; end > begin; --end) {
      token = (begin > 0 ? "##" : "") + word.substr(begin, end - begin);
      if (words.count(token)) break;
    }
    if (end == begin) return {0};
    ids.push_back(static_cast<int32_t>(std::find(by_id.begin(), by_id.end(), token) - by_id.begin()));
    begin = end;
  }
  return ids;
}

TEST(WordPiece, TakesTheLongestTokenThatFits) {
  std::mt19937 random(53);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> by_id = {"[UNK]"};
    std::set<std::string> words;
    for (int i = 0; i < 60; ++i) {
      const std::string token = (random() % 2 ? "##" : "") + random_letters(random, 1 + random() % 5, 3);
      if (words.insert(token).second) by_id.push_back(token);
    }
    Vocab vocab;
    for (size_t id = 0; id < by_id.size(); ++id) vocab.add(by_id[id], static_cast<int32_t>(id));
    const WordPiece model(std::move(vocab), {}, "test");
    for (int i = 0; i < 200; ++i) {
      const std::string word = random_letters(random, 1 + random() % 20, 3);
      EXPECT_EQ(ids_of(model, word), plain_wordpiece(words, by_id, word)) << word;
      expect_covering(tokens_of(model, word), word);
    }
  }
}

TEST(WordPiece, AWordOfMoreThanAHundredCharactersIsUnknown) {
  Vocab vocab;
  for (const char* token : {"[UNK]", "a", "##a", "\u00E9", "##\u00E9"}) vocab.add(token, vocab.end_id());
  const WordPiece model(std::move(vocab), {}, "test");
  EXPECT_EQ(ids_of(model, std::string(100, 'a')).size(), 100u);
  EXPECT_EQ(ids_of(model, std::string(101, 'a')), Ids{0});
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "\u00E9";  // characters count, not bytes
  EXPECT_EQ(ids_of(model, accents).size(), 100u);
  EXPECT_EQ(ids_of(model, accents + "\u00E9"), Ids{0});
}

}  // namespace
}  // namespace valence::text
