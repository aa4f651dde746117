// A text while it is normalized and cut: its code points, and for each the part of the original text it
// stands for. This is the way to ids *with* offsets; encode() has faster ways to the same ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace valence::text {

struct AlignedText {
  std::u32string codes;
  std::vector<Offset> origins;  // of each code point, in code points of the original text

  AlignedText() = default;
  // Decodes UTF-8; an invalid byte becomes U+FFFD. `first` is the position of the text in the original.
  explicit AlignedText(std::string_view utf8, uint32_t first = 0);

  size_t size() const { return codes.size(); }
  bool empty() const { return codes.empty(); }
  void append(char32_t c, Offset origin) {
    codes.push_back(c);
    origins.push_back(origin);
  }
  void append(const AlignedText& other, size_t begin, size_t end);
  // The part of the original that [begin, end) stands for; it must not be empty.
  Offset origin(size_t begin, size_t end) const { return {origins[begin].begin, origins[end - 1].end}; }
};

// A code point of a new text, as the reference describes its edits: `change` 0 takes the place of the next
// old code point, 1 is inserted after it, -n takes its place and removes the n that follow.
struct Edit {
  char32_t code;
  int change;
};

// Rewrites the text by edits, after the first `removed` code points were dropped. Where edits were put in
// another order than the code points they came from (canonical ordering does so), the origins are those that
// the reference reports: by position.
void apply_edits(AlignedText& text, const std::vector<Edit>& edits, size_t removed = 0);

// A run of code points on its way to the model, or a token that was found already.
struct Piece {
  size_t begin, end;
  int32_t token = -1;  // the id of an added token; -1 for text
};

// A text cut into pieces; pieces never overlap in the text and none is empty.
struct PieceText {
  AlignedText text;
  std::vector<Piece> pieces;
};

void append_utf8(std::string& out, std::u32string_view codes);
std::string to_utf8(std::u32string_view codes);
std::u32string to_utf32(std::string_view utf8);  // an invalid byte becomes U+FFFD

}  // namespace valence::text
