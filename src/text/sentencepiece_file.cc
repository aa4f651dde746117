#include "text/sentencepiece_file.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "base/utf8.h"
#include "text/vocab.h"

namespace valence::text {
namespace {

constexpr size_t kLongestPiece = 1000;  // bytes; bounds the time that a step of BPE takes

Error bad(const std::string& where, const std::string& what) {
  return Error(ErrorCode::kBadData, where + " is no SentencePiece model: " + what);
}

// Walks over the fields of one message.
class Message {
 public:
  Message(std::string_view bytes, const std::string& where) : rest_(bytes), where_(where) {}

  // Goes on to the next field; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t key = varint();
    number_ = key >> 3;
    type_ = static_cast<int>(key & 7);
    if (number_ == 0) throw bad(where_, "a field has the number 0");
    if (type_ == kVarint) {
      value_ = varint();
    } else if (type_ == kFixed64) {
      bytes_ = take(8);
    } else if (type_ == kLength) {
      bytes_ = take(varint());
    } else if (type_ == kFixed32) {
      bytes_ = take(4);
    } else {
      throw bad(where_, "a field has the unknown wire type " + std::to_string(type_));
    }
    return true;
  }

  uint64_t number() const { return number_; }
  uint64_t integer() const { return expect(kVarint), value_; }
  bool flag() const { return integer() != 0; }
  std::string_view bytes() const { return expect(kLength), bytes_; }
  float real() const {
    expect(kFixed32);
    uint32_t bits = 0;
    std::memcpy(&bits, bytes_.data(), sizeof bits);  // little-endian, as on every machine this runs on
    return std::bit_cast<float>(bits);
  }

 private:
  static constexpr int kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5;

  void expect(int type) const {
    if (type_ == type) return;
    throw bad(where_, "field " + std::to_string(number_) + " has the wire type " + std::to_string(type_) +
                          ", expected " + std::to_string(type));
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = static_cast<unsigned char>(take(1)[0]);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw bad(where_, "a number of more than ten bytes");
  }

  std::string_view take(uint64_t size) {
    if (size > rest_.size()) {
      throw bad(where_, "a field of " + std::to_string(size) + " bytes, but only " +
                            std::to_string(rest_.size()) + " are left");
    }
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  std::string_view rest_;
  const std::string& where_;
  uint64_t number_ = 0, value_ = 0;
  int type_ = 0;
  std::string_view bytes_;
};

SentencePieceFile::Piece parse_piece(Message message, const std::string& where) {
  SentencePieceFile::Piece piece;
  while (message.next()) {
    if (message.number() == 1) piece.text = message.bytes();
    if (message.number() == 2) piece.score = message.real();
    if (message.number() != 3) continue;
    const uint64_t type = message.integer();
    if (type < 1 || type > 6) throw bad(where, "a piece has the unknown type " + std::to_string(type));
    piece.type = static_cast<SentencePieceFile::Type>(type);
  }
  if (piece.text.empty()) throw bad(where, "a piece is empty");
  if (piece.text.size() > kLongestPiece || piece.text.find('\0') != piece.text.npos ||
      !is_valid_utf8(piece.text)) {
    throw bad(where, "a piece is not a text of at most " + std::to_string(kLongestPiece) +
                         " bytes: " + printable(piece.text, 40));
  }
  if (!std::isfinite(piece.score))
    throw bad(where, "the score of " + printable(piece.text, 40) + " is no number");
  return piece;
}

void parse_trainer(Message message, const std::string& where, SentencePieceFile& out) {
  while (message.next()) {
    if (message.number() == 3) {
      const uint64_t kind = message.integer();
      if (kind != 1 && kind != 2) {
        throw bad(where, "its kind is " + std::to_string(kind) + ", expected 1 (unigram) or 2 (BPE)");
      }
      out.kind = static_cast<SentencePieceFile::Kind>(kind);
    }
    if (message.number() == 24) out.space_is_suffix = message.flag();
    if (message.number() == 35) out.byte_fallback = message.flag();
  }
}

void parse_normalizer(Message message, SentencePieceFile& out) {
  while (message.next()) {
    if (message.number() == 2) out.charsmap = message.bytes();
    if (message.number() == 3) out.add_dummy_prefix = message.flag();
    if (message.number() == 4) out.remove_extra_spaces = message.flag();
    if (message.number() == 5) out.escape_spaces = message.flag();
  }
}

void check_pieces(SentencePieceFile& file, const std::string& where) {
  using Type = SentencePieceFile::Type;
  std::unordered_set<std::string_view> seen(2 * file.pieces.size());
  size_t unknown = 0, normal = 0, bytes = 0;
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    const SentencePieceFile::Piece& piece = file.pieces[id];
    if (!seen.insert(piece.text).second) throw bad(where, "two pieces are " + printable(piece.text, 40));
    normal += piece.type == Type::kNormal;
    bytes += piece.type == Type::kByte;
    if (piece.type != Type::kUnknown) continue;
    ++unknown;
    file.unknown = id;
  }
  if (unknown != 1) throw bad(where, std::to_string(unknown) + " pieces are the unknown one, expected 1");
  if (normal == 0) throw bad(where, "it has no pieces");
  if (bytes != (file.byte_fallback ? 256 : 0)) {
    throw bad(where,
              std::to_string(bytes) + " pieces are bytes, expected " + (file.byte_fallback ? "256" : "0"));
  }
}

}  // namespace

SentencePieceFile SentencePieceFile::parse(std::string_view bytes, const std::string& where) {
  SentencePieceFile out;
  Message message(bytes, where);
  while (message.next()) {
    if (message.number() == 1) {
      if (out.pieces.size() >= static_cast<size_t>(kMaxTokenId) - 1) throw bad(where, "too many pieces");
      out.pieces.push_back(parse_piece(Message(message.bytes(), where), where));
    }
    if (message.number() == 2) parse_trainer(Message(message.bytes(), where), where, out);
    if (message.number() == 3) parse_normalizer(Message(message.bytes(), where), out);
  }
  check_pieces(out, where);
  return out;
}

}  // namespace valence::text
