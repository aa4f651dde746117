#include "text/unigram.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/error.h"
#include "base/utf8.h"

namespace valence::text {
namespace {

constexpr uint32_t kNowhere = UINT32_MAX;

// The best segmentation that ends at a byte.
template <typename Score>
struct Best {
  Score score = 0;
  uint32_t begin = kNowhere;  // of its last token; kNowhere when nothing ends here yet
  int32_t id = -1;
};

}  // namespace

Unigram::Unigram(Vocab vocab, const std::vector<Entry>& entries, Settings settings, const std::string& where)
    : vocab_(std::move(vocab)), settings_(settings) {
  if (!vocab_.has_id(settings.unknown)) {
    throw Error(ErrorCode::kBadData, where + ": the unknown token " + std::to_string(settings.unknown) +
                                         " is not in the vocabulary");
  }
  scores_.resize(static_cast<size_t>(vocab_.end_id()));
  std::vector<DoubleArrayTrie::Key> keys;
  keys.reserve(entries.size());
  for (const Entry& entry : entries) {
    keys.push_back({vocab_.token(entry.id), entry.id});
    scores_[static_cast<size_t>(entry.id)] = entry.score;
    largest_score_ = std::max(largest_score_, std::fabs(score(entry.id)));
  }
  trie_ = DoubleArrayTrie(std::move(keys));
  for (size_t byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    fallback_ids_[byte] = vocab_.find(name);
  }
}

template <typename Score>
Score Unigram::segment(std::string_view piece, Score before, std::vector<Token>& tokens) const {
  std::vector<Best<Score>> best(piece.size() + 1);
  best[0].score = before;
  const auto improve = [&](size_t begin, size_t end, Score score, int32_t id) {
    if (best[end].begin != kNowhere && score <= best[end].score) return;
    best[end] = {score, static_cast<uint32_t>(begin), id};
  };
  for (size_t begin = 0; begin < piece.size();) {
    size_t end = begin;
    decode_utf8(piece, end);  // the end of the code point
    const Score so_far = best[begin].score;
    bool has_single = false;
    trie_.prefixes(piece.substr(begin), [&](size_t length, int32_t id) {
      has_single = has_single || begin + length == end;
      improve(begin, begin + length, so_far + static_cast<Score>(scores_[static_cast<size_t>(id)]), id);
    });
    if (!has_single) {
      improve(begin, end, so_far + static_cast<Score>(settings_.unknown_score), settings_.unknown);
    }
    begin = end;
  }
  const auto first = static_cast<std::ptrdiff_t>(tokens.size());
  for (auto end = static_cast<uint32_t>(piece.size()); end > 0; end = best[end].begin) {
    tokens.push_back({best[end].id, best[end].begin, end});
  }
  std::reverse(tokens.begin() + first, tokens.end());
  return best[piece.size()].score;
}

void Unigram::tokenize(std::string_view piece, std::vector<Token>& tokens) const {
  std::vector<Token> path;
  if (settings_.flavor == Flavor::kSentencePiece) {
    segment<float>(piece, 0, path);
  } else {
    segment<double>(piece, 0, path);
  }
  join_unknown(piece, path, tokens);
}

float Unigram::tokenize_after(float before, std::string_view piece, std::vector<int32_t>& ids,
                              bool& has_unknown) const {
  std::vector<Token> path, tokens;
  const float after = segment<float>(piece, before, path);
  join_unknown(piece, path, tokens);
  for (const Token& token : path) has_unknown = has_unknown || token.id == settings_.unknown;
  for (const Token& token : tokens) ids.push_back(token.id);
  return after;
}

double Unigram::margin(std::string_view piece) const {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  struct Two {
    double best = kNone, next = kNone;
  };
  std::vector<Two> sums(piece.size() + 1);
  sums[0].best = 0;
  const auto reach = [&](const Two& from, size_t end, double score) {
    for (const double sum : {from.best + score, from.next + score}) {
      Two& to = sums[end];
      to.next = std::max(to.next, std::min(to.best, sum));
      to.best = std::max(to.best, sum);
    }
  };
  for (size_t begin = 0; begin < piece.size();) {
    size_t end = begin;
    decode_utf8(piece, end);
    const Two from = sums[begin];
    bool has_single = false;
    trie_.prefixes(piece.substr(begin), [&](size_t length, int32_t id) {
      has_single = has_single || begin + length == end;
      reach(from, begin + length, scores_[static_cast<size_t>(id)]);
    });
    if (!has_single) reach(from, end, settings_.unknown_score);
    begin = end;
  }
  return sums.back().best - sums.back().next;
}

bool Unigram::cuts_before(std::string_view mark) const {
  for (int32_t id = 0; id < vocab_.end_id(); ++id) {
    const std::string_view token = vocab_.token(id);
    if (token.find(mark, 1) == token.npos) continue;
    if (trie_.longest(token) == token.size()) return false;
  }
  return trie_.longest(mark) == mark.size();
}

// Unknown code points that follow each other are one token.
void Unigram::join_unknown(std::string_view piece, const std::vector<Token>& path,
                           std::vector<Token>& tokens) const {
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i].id != settings_.unknown) {
      tokens.push_back(path[i]);
      continue;
    }
    const uint32_t begin = path[i].begin;
    while (i + 1 < path.size() && path[i + 1].id == settings_.unknown) ++i;
    add_unknown(piece, begin, path[i].end, tokens);
  }
}

void Unigram::add_unknown(std::string_view piece, uint32_t begin, uint32_t end,
                          std::vector<Token>& tokens) const {
  const std::string_view text = piece.substr(begin, end - begin);
  const auto id_of = [&](char c) { return fallback_ids_[static_cast<unsigned char>(c)]; };
  const int32_t known = settings_.flavor == Flavor::kTokenizers ? vocab_.find(text) : -1;
  if (known >= 0) {
    tokens.push_back({known, begin, end});
  } else if (settings_.byte_fallback &&
             std::all_of(text.begin(), text.end(), [&](char c) { return id_of(c) >= 0; })) {
    for (const char c : text) tokens.push_back({id_of(c), begin, end});
  } else {
    tokens.push_back({settings_.unknown, begin, end});
  }
}

}  // namespace valence::text
