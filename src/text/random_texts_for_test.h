// Texts by which two ways to the same answer are held against each other.
#pragma once

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace valence::text {

// Texts that no one wrote: control characters, marks, emoji, every plane, words of many scripts.
class RandomTexts {
 public:
  explicit RandomTexts(uint32_t seed) : random_(seed) {}

  std::string next() {
    std::string out;
    const size_t parts = 1 + random_() % 12;
    for (size_t i = 0; i < parts; ++i) append_part(out);
    return out;
  }

 private:
  struct Range {
    char32_t first, last;
  };

  void append_part(std::string& out) {
    static const std::vector<std::string> kOdd = {" ",
                                                  "  ",
                                                  "\t",
                                                  "\n",
                                                  "\r\n",
                                                  std::string(1, '\0'),
                                                  "[MASK]",
                                                  "[SEP]",
                                                  "<mask>",
                                                  "</s>",
                                                  "<unk>",
                                                  "'s",
                                                  "n't",
                                                  "'ll",
                                                  "'",
                                                  "...",
                                                  "!?",
                                                  "\u0301",
                                                  "e\u0301",
                                                  "\u0130",
                                                  "\u00DF",
                                                  "\uFB01",
                                                  "\uFF76\uFF9E",
                                                  "\u200D",
                                                  "\uFE0F",
                                                  "\u200B",
                                                  "\u00AD",
                                                  "\uFEFF",
                                                  "\uFFFD",
                                                  "\u3000",
                                                  "\u00A0",
                                                  "\u2581",
                                                  "\u0120",
                                                  "\u0915\u094D\u0937",
                                                  "\U0001F468\u200D\U0001F469\u200D\U0001F467",
                                                  "\U0001F44D\U0001F3FD",
                                                  "\U0001F1EB\U0001F1F7",
                                                  "\U0010FFFF",
                                                  "love",
                                                  "hate",
                                                  "good",
                                                  "unbelievable",
                                                  "<3",
                                                  "the",
                                                  "1299",
                                                  "@user",
                                                  "http://a.b"};
    static constexpr Range kRanges[] = {
        {0x00, 0x7F},       {0x61, 0x7A},       {0x61, 0x7A},      {0x80, 0x24F},    {0x300, 0x36F},
        {0x370, 0x52F},     {0x590, 0x6FF},     {0x900, 0x97F},    {0xE00, 0xE7F},   {0x1100, 0x11FF},
        {0x2000, 0x206F},   {0x3040, 0x30FF},   {0x4E00, 0x4FFF},  {0xAC00, 0xADFF}, {0xFB00, 0xFFFF},
        {0x1F300, 0x1F6FF}, {0x20000, 0x2FFFF}, {0xE0000, 0xE01FF}};
    if (random_() % 2 == 0) {
      out += kOdd[random_() % kOdd.size()];
      return;
    }
    const Range range = kRanges[random_() % std::size(kRanges)];
    for (size_t count = 1 + random_() % 8; count > 0; --count) {
      valence::append_utf8(out,
                           range.first + static_cast<char32_t>(random_() % (range.last - range.first + 1)));
    }
  }

  std::mt19937 random_;
};

}  // namespace valence::text
