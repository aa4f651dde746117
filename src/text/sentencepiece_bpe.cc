#include "text/sentencepiece_bpe.h"

#include <cstdio>
#include <queue>

#include "base/error.h"
#include "base/utf8.h"

namespace valence::text {

namespace {

using Type = SentencePieceFile::Type;
constexpr uint32_t kEnd = UINT32_MAX;

}  // namespace

// A part of the piece, in a list that is linked by indices.
struct SentencePieceBpe::Symbol {
  uint32_t begin, end;  // bytes; equal once it was merged away
  uint32_t previous, next;
  bool frozen;  // a user-defined piece, which joins nothing
};

class SentencePieceBpe::Merger {
 public:
  Merger(const SentencePieceBpe& bpe, std::string_view piece, std::vector<Symbol>& symbols)
      : bpe_(bpe), piece_(piece), symbols_(symbols) {}

  void run() {
    for (uint32_t i = 1; i < symbols_.size(); ++i) consider(i - 1, i);
    while (!queue_.empty()) {
      const Pair pair = queue_.top();
      queue_.pop();
      Symbol& left = symbols_[pair.left];
      Symbol& right = symbols_[pair.right];
      // Neighbours for ever, unless one was merged away or has grown since.
      if (left.begin == left.end || right.begin == right.end || right.end - left.begin != pair.size) continue;
      left.end = right.end;
      left.next = right.next;
      right.begin = right.end;
      if (left.next != kEnd) symbols_[left.next].previous = pair.left;
      consider(left.previous, pair.left);
      consider(pair.left, left.next);
    }
  }

 private:
  struct Pair {
    float score;
    uint32_t left, right;
    uint32_t size;  // bytes of both
    bool operator<(const Pair& other) const {
      return score < other.score || (score == other.score && left > other.left);
    }
  };

  void consider(uint32_t left, uint32_t right) {
    if (left == kEnd || right == kEnd || symbols_[left].frozen || symbols_[right].frozen) return;
    const uint32_t begin = symbols_[left].begin, size = symbols_[right].end - begin;
    if (size > bpe_.vocab_.longest()) return;
    const int32_t id = bpe_.vocab_.find(piece_.substr(begin, size));
    if (id < 0 || !bpe_.mergeable_[static_cast<size_t>(id)]) return;
    queue_.push({bpe_.scores_[static_cast<size_t>(id)], left, right, size});
  }

  const SentencePieceBpe& bpe_;
  std::string_view piece_;
  std::vector<Symbol>& symbols_;
  std::priority_queue<Pair> queue_;
};

SentencePieceBpe::SentencePieceBpe(Vocab vocab, const SentencePieceFile& file, const std::string& where)
    : vocab_(std::move(vocab)),
      unknown_(static_cast<int32_t>(file.unknown)),
      byte_fallback_(file.byte_fallback) {
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    if (piece.type == Type::kUnused) {
      throw Error(ErrorCode::kBadData, where + ": unused pieces in a BPE model are not supported");
    }
    if (piece.type == Type::kUserDefined) {
      user_defined_.add(piece.text, static_cast<int32_t>(scores_.size()));
    }
    scores_.push_back(piece.score);
    mergeable_.push_back(piece.type == Type::kNormal || piece.type == Type::kUserDefined);
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    fallback_ids_[byte] = vocab_.find(name);
  }
}

std::vector<SentencePieceBpe::Symbol> SentencePieceBpe::split(std::string_view piece) const {
  std::vector<Symbol> symbols;
  for (size_t at = 0; at < piece.size();) {
    const auto begin = static_cast<uint32_t>(at), index = static_cast<uint32_t>(symbols.size());
    const size_t frozen = user_defined_.longest(piece.substr(at)).length;
    if (frozen > 0) {
      at += frozen;
    } else {
      decode_utf8(piece, at);
    }
    symbols.push_back({begin, static_cast<uint32_t>(at), index - 1, index + 1, frozen > 0});
  }
  if (!symbols.empty()) symbols.back().next = kEnd;
  return symbols;
}

void SentencePieceBpe::tokenize(std::string_view piece, std::vector<Token>& tokens) const {
  std::vector<Symbol> symbols = split(piece);
  Merger(*this, piece, symbols).run();
  bool after_unknown = false;
  for (uint32_t i = 0; i < symbols.size(); i = symbols[i].next) {
    const Symbol& symbol = symbols[i];
    const int32_t id = vocab_.find(piece.substr(symbol.begin, symbol.end - symbol.begin));
    const bool is_unknown = id < 0 || id == unknown_;
    if (is_unknown && byte_fallback_) {
      for (uint32_t at = symbol.begin; at < symbol.end; ++at) {
        tokens.push_back({fallback_ids_[static_cast<unsigned char>(piece[at])], symbol.begin, symbol.end});
      }
    } else if (is_unknown && after_unknown) {
      tokens.back().end = symbol.end;
    } else {
      tokens.push_back({is_unknown ? unknown_ : id, symbol.begin, symbol.end});
    }
    after_unknown = is_unknown;
  }
}

}  // namespace valence::text
