// The last stage of a tokenizer: a piece of normalized text into tokens of the vocabulary.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/vocab.h"

namespace valence::text {

struct Token {
  int32_t id;
  uint32_t begin, end;  // bytes of the piece
};

class Model {
 public:
  virtual ~Model() = default;
  // Appends the tokens of a piece (valid UTF-8). Takes time in proportion to the piece, up to a logarithm.
  virtual void tokenize(std::string_view piece, std::vector<Token>& tokens) const = 0;
  virtual const Vocab& vocab() const = 0;
  // How many tokens the reference counts, from which added tokens get their ids.
  virtual int32_t size() const { return static_cast<int32_t>(vocab().size()); }
  // Whether the text of a token is that of the piece itself (Unigram), which decides how offsets are trimmed.
  virtual bool tokens_are_surfaces() const { return false; }
};

}  // namespace valence::text
