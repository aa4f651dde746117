#include "text/bpe.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <functional>
#include <queue>

#include "base/error.h"
#include "base/utf8.h"

namespace valence::text {
namespace {

// Up to this many symbols a scan for the lowest rank is faster than a heap.
constexpr size_t kShortPiece = 48;
constexpr uint64_t kNoPair = UINT64_MAX;
constexpr uint32_t kNoRank = UINT32_MAX;

uint64_t pair_of(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

size_t hash_pair(uint64_t pair) { return (pair ^ (pair >> 29)) * 0x9E3779B97F4A7C15ULL >> 20; }

}  // namespace

const std::array<char32_t, 256>& byte_alphabet() {
  static const auto alphabet = [] {
    std::array<char32_t, 256> codes{};
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const bool visible = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
      codes[byte] = visible ? byte : next++;
    }
    return codes;
  }();
  return alphabet;
}

Bpe::Bpe(Vocab vocab, const Merges& merges, Settings settings, const std::string& where)
    : vocab_(std::move(vocab)), settings_(std::move(settings)) {
  covers_bytes_ = true;
  for (size_t byte = 0; byte < 256; ++byte) {
    std::string symbol;
    append_utf8(symbol, byte_alphabet()[byte]);
    byte_ids_[byte] = vocab_.find(symbol);
    covers_bytes_ = covers_bytes_ && byte_ids_[byte] >= 0;
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    fallback_ids_[byte] = vocab_.find(name);
  }
  if (settings_.unknown) unknown_ = vocab_.find(*settings_.unknown);
  if (settings_.unknown && unknown_ < 0 && !covers_bytes_) {
    throw Error(ErrorCode::kBadData,
                where + ": the vocabulary has no unknown token " + printable(*settings_.unknown));
  }
  slots_.assign(std::bit_ceil(2 * merges.size() + 16), Slot{kNoPair, {}});
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    joined.assign(left).append(right.substr(std::min(settings_.prefix.size(), right.size())));
    const int32_t left_id = vocab_.find(left), right_id = vocab_.find(right), id = vocab_.find(joined);
    if (left_id < 0 || right_id < 0 || id < 0) {
      const std::string_view missing = left_id < 0 ? left : right_id < 0 ? right : std::string_view(joined);
      throw Error(ErrorCode::kBadData,
                  where + ": merge " + std::to_string(rank + 1) +
                      " needs a token that is not in the vocabulary: " + printable(missing));
    }
    add_merge(left_id, right_id, {static_cast<uint32_t>(rank), id});
  }
}

// A pair that is given twice takes the later rank, as in the reference.
void Bpe::add_merge(int32_t left, int32_t right, Merge merge) {
  const uint64_t pair = pair_of(left, right);
  size_t i = hash_pair(pair) & (slots_.size() - 1);
  while (slots_[i].pair != kNoPair && slots_[i].pair != pair) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = {pair, merge};
}

Bpe::Merge Bpe::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  size_t i = hash_pair(pair) & (slots_.size() - 1);
  while (slots_[i].pair != kNoPair) {
    if (slots_[i].pair == pair) return slots_[i].merge;
    i = (i + 1) & (slots_.size() - 1);
  }
  return {};
}

bool Bpe::add_bytes(std::string_view symbol, std::vector<Symbol>& symbols) const {
  const auto id_of = [&](char c) { return fallback_ids_[static_cast<unsigned char>(c)]; };
  if (!std::all_of(symbol.begin(), symbol.end(), [&](char c) { return id_of(c) >= 0; })) return false;
  for (const char c : symbol) symbols.push_back({id_of(c), 1});
  return true;
}

// The code points of the piece as symbols. Without an unknown token what is not in the vocabulary vanishes.
// As in the reference, a pending unknown symbol is emitted only by the next known one, so it comes after the
// bytes that stand for symbols in between.
void Bpe::split(std::string_view piece, std::vector<Symbol>& symbols) const {
  std::string symbol;
  uint32_t pending = 0;  // bytes of the unknown symbol that is not emitted yet
  for (size_t at = 0; at < piece.size();) {
    const size_t begin = at;
    decode_utf8(piece, at);
    symbol.assign(begin > 0 ? settings_.prefix : "").append(piece, begin, at - begin);
    if (at == piece.size()) symbol += settings_.suffix;
    const auto length = static_cast<uint32_t>(at - begin);
    if (const int32_t id = vocab_.find(symbol); id >= 0) {
      if (pending > 0) symbols.push_back({unknown_, pending});
      pending = 0;
      symbols.push_back({id, length});
    } else if (settings_.byte_fallback && add_bytes(symbol, symbols)) {
      continue;
    } else if (unknown_ >= 0) {
      if (pending > 0 && !settings_.fuse_unknown) {
        symbols.push_back({unknown_, pending});
        pending = 0;
      }
      pending += length;
    }
  }
  if (pending > 0) symbols.push_back({unknown_, pending});
}

void Bpe::tokenize(std::string_view piece, std::vector<Token>& tokens) const {
  if (piece.empty()) return;
  if (settings_.ignore_merges) {
    if (const int32_t id = vocab_.find(piece); id >= 0) {
      tokens.push_back({id, 0, static_cast<uint32_t>(piece.size())});
      return;
    }
  }
  std::vector<Symbol> symbols;
  split(piece, symbols);
  merge(symbols);
  uint32_t at = 0;
  for (const Symbol& symbol : symbols) {
    tokens.push_back({symbol.id, at, at + symbol.length});
    at += symbol.length;
  }
}

void Bpe::tokenize_bytes(std::string_view piece, std::vector<int32_t>& ids) const {
  VALENCE_CHECK(merges_bytes());
  thread_local std::vector<Symbol> symbols;
  symbols.clear();
  for (const char c : piece) symbols.push_back({byte_ids_[static_cast<unsigned char>(c)], 1});
  merge(symbols);
  for (const Symbol& symbol : symbols) ids.push_back(symbol.id);
  if (symbols.capacity() > 1 << 16) symbols = {};  // a giant piece leaves no memory behind
}

void Bpe::merge_short(std::vector<Symbol>& symbols) const {
  Merge merges[kShortPiece];  // of symbol i with the next one
  size_t count = symbols.size();
  for (size_t i = 0; i + 1 < count; ++i) merges[i] = find(symbols[i].id, symbols[i + 1].id);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) best = merges[i].rank < merges[best].rank ? i : best;
    if (merges[best].rank == kNoRank) break;
    symbols[best] = {merges[best].id, symbols[best].length + symbols[best + 1].length};
    for (size_t i = best + 1; i + 1 < count; ++i) {
      symbols[i] = symbols[i + 1];
      merges[i - 1] = merges[i];
    }
    --count;
    if (best > 0) merges[best - 1] = find(symbols[best - 1].id, symbols[best].id);
    if (best + 1 < count) merges[best] = find(symbols[best].id, symbols[best + 1].id);
  }
  symbols.resize(count);
}

// Merges in O(n log n): a heap of candidate pairs over a linked list of symbols. An entry whose pair has
// changed since is recognised by its rank.
class Bpe::Merger {
 public:
  Merger(const Bpe& bpe, std::vector<Symbol>& symbols)
      : bpe_(bpe), symbols_(symbols), links_(symbols.size()), merges_(symbols.size()) {
    const auto count = static_cast<uint32_t>(symbols.size());
    for (uint32_t i = 0; i < count; ++i) links_[i] = {i - 1, i + 1};  // UINT32_MAX and count at the ends
    std::vector<uint64_t> entries;
    for (uint32_t i = 0; i + 1 < count; ++i) {
      merges_[i] = bpe.find(symbols[i].id, symbols[i + 1].id);
      if (merges_[i].rank != kNoRank) entries.push_back(entry(i));
    }
    heap_ = Heap({}, std::move(entries));
  }

  void run() {
    while (!heap_.empty()) {
      const uint64_t top = heap_.top();
      heap_.pop();
      const auto at = static_cast<uint32_t>(top);
      if (merges_[at].rank == top >> 32) merge_at(at);
    }
    size_t kept = 0;
    for (uint32_t i = 0; i < symbols_.size(); i = links_[i].next) symbols_[kept++] = symbols_[i];
    symbols_.resize(kept);
  }

 private:
  using Heap = std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>>;
  struct Link {
    uint32_t previous, next;
  };

  uint64_t entry(uint32_t at) const { return (static_cast<uint64_t>(merges_[at].rank) << 32) | at; }

  void merge_at(uint32_t at) {
    const uint32_t gone = links_[at].next, next = links_[gone].next;
    symbols_[at] = {merges_[at].id, symbols_[at].length + symbols_[gone].length};
    links_[at].next = next;
    merges_[gone] = {};
    merges_[at] = {};
    if (next < symbols_.size()) {
      links_[next].previous = at;
      look_up(at, next);
    }
    if (links_[at].previous < symbols_.size()) look_up(links_[at].previous, at);
  }

  void look_up(uint32_t left, uint32_t right) {
    merges_[left] = bpe_.find(symbols_[left].id, symbols_[right].id);
    if (merges_[left].rank != kNoRank) heap_.push(entry(left));
  }

  const Bpe& bpe_;
  std::vector<Symbol>& symbols_;
  std::vector<Link> links_;
  std::vector<Merge> merges_;  // of each symbol with its next one
  Heap heap_;
};

void Bpe::merge(std::vector<Symbol>& symbols) const {
  if (symbols.size() <= kShortPiece) {
    merge_short(symbols);
  } else {
    Merger(*this, symbols).run();
  }
}

}  // namespace valence::text
