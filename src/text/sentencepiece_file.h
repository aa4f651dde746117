// The model file of SentencePiece, a protocol buffer (ModelProto of sentencepiece_model.proto), read by hand:
// every length is checked against the bytes that are there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace valence::text {

struct SentencePieceFile {
  enum class Kind { kUnigram = 1, kBpe = 2 };
  enum class Type { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
  struct Piece {
    std::string_view text;
    float score = 0;
    Type type = Type::kNormal;
  };

  std::vector<Piece> pieces;  // by id; all different
  size_t unknown = 0;         // the id of the one unknown piece
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false;       // all 256 byte pieces are there
  bool space_is_suffix = false;     // words end in a space instead of beginning with one
  std::string_view charsmap;        // see Charsmap; may be empty
  bool add_dummy_prefix = true;     // a space before the text
  bool remove_extra_spaces = true;  // at both ends, and of several all but one
  bool escape_spaces = true;        // as U+2581

  // Views point into `bytes`. Errors: kBadData with `where` when this is no such message, when pieces are
  // empty, repeated, not UTF-8 or not finite, or for a kind of model that is not among Kind.
  static SentencePieceFile parse(std::string_view bytes, const std::string& where);
};

}  // namespace valence::text
