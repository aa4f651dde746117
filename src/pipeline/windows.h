// How a text that is longer than the model's input is read.
#pragma once

#include <cstdint>
#include <vector>

namespace valence::pipeline {

// Tokens [begin, begin + length) of a text, special tokens aside.
struct Window {
  int64_t begin = 0;
  int64_t length = 0;
};

// The fewest full windows of `capacity` tokens that cover `tokens` tokens with neighbours overlapping by a
// quarter or more, evenly spread: the first begins with the text, the last ends with it. Every window has the
// same length, so the plain mean of their logits is the text's answer. One window when the text fits.
std::vector<Window> windows_of(int64_t tokens, int64_t capacity);

// What is kept of two texts that share `capacity` tokens: the longer one is cut to the other's length first,
// then both, as truncation "longest_first" of Hugging Face tokenizers.
struct PairLengths {
  int64_t first = 0;
  int64_t second = 0;
};
PairLengths longest_first(int64_t first, int64_t second, int64_t capacity);

}  // namespace valence::pipeline
