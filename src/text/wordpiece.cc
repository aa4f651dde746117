#include "text/wordpiece.h"

#include <algorithm>

#include "base/error.h"

namespace valence::text {
namespace {

bool is_boundary(std::string_view text, size_t at) {
  return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

}  // namespace

WordPiece::WordPiece(Vocab vocab, Settings settings, const std::string& where)
    : vocab_(std::move(vocab)),
      settings_(std::move(settings)),
      unknown_(vocab_.find(settings_.unknown)),
      prefix_hash_(PrefixHash::of(settings_.prefix)) {
  if (unknown_ < 0) {
    throw Error(ErrorCode::kBadData,
                where + ": the vocabulary has no unknown token " + printable(settings_.unknown));
  }
}

// One pass over the rest of the word hashes all candidates; then they are looked up, the longest first.
Token WordPiece::longest_match(std::string_view word, size_t begin) const {
  struct Candidate {
    uint32_t end;
    uint64_t hash;
  };
  thread_local std::vector<Candidate> candidates;
  candidates.clear();
  const std::string_view prefix = begin == 0 ? std::string_view() : std::string_view(settings_.prefix);
  uint64_t hash = begin == 0 ? PrefixHash::kStart : prefix_hash_;
  const size_t limit =
      std::min(word.size(), begin + vocab_.longest() - std::min(vocab_.longest(), prefix.size()));
  for (size_t at = begin; at < limit; ++at) {
    hash = PrefixHash::extend(hash, static_cast<unsigned char>(word[at]));
    if (is_boundary(word, at + 1)) candidates.push_back({static_cast<uint32_t>(at + 1), hash});
  }
  for (auto it = candidates.rbegin(); it != candidates.rend(); ++it) {
    const int32_t id = vocab_.find(word.substr(begin, it->end - begin), prefix, it->hash);
    if (id >= 0) return {id, static_cast<uint32_t>(begin), it->end};
  }
  return {-1, 0, 0};
}

void WordPiece::tokenize(std::string_view piece, std::vector<Token>& tokens) const {
  if (piece.empty()) return;
  const size_t first = tokens.size();
  size_t length = 0;
  for (size_t at = 0; at < piece.size() && length <= settings_.longest_word; ++at)
    length += is_boundary(piece, at);
  bool known = length <= settings_.longest_word;
  for (size_t at = 0; known && at < piece.size(); at = tokens.back().end) {
    const Token token = longest_match(piece, at);
    known = token.id >= 0;
    if (known) tokens.push_back(token);
    if (!known) break;
  }
  if (known) return;
  tokens.resize(first);
  tokens.push_back({unknown_, 0, static_cast<uint32_t>(piece.size())});
}

}  // namespace valence::text
