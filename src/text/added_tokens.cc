#include "text/added_tokens.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace valence::text {
namespace {

// The code point that ends at `end`; moves `end` to its beginning.
char32_t decode_before(std::string_view text, size_t& end) {
  size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  size_t at = begin;
  const char32_t c = decode_utf8(text, at);
  end = at == end ? begin : end - 1;  // of invalid bytes one at a time
  return c;
}

bool is_word(char32_t c) { return UnicodeTable::get().has(c, kWord); }

bool touches_word(std::string_view text, size_t begin, size_t end) {
  size_t before = begin, after = end;
  return (begin > 0 && is_word(decode_before(text, before))) ||
         (end < text.size() && is_word(decode_utf8(text, after)));
}

size_t white_begin(std::string_view text, size_t limit, size_t end) {
  while (end > limit) {
    size_t begin = end;
    if (!UnicodeTable::get().has(decode_before(text, begin), kWhite)) break;
    end = begin;
  }
  return std::max(end, limit);
}

size_t white_end(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    size_t end = begin;
    if (!UnicodeTable::get().has(decode_utf8(text, end), kWhite)) break;
    begin = end;
  }
  return begin;
}

std::string normalized_form(const std::string& content, const Normalizer* normalizer) {
  if (!normalizer) return content;
  AlignedText text(content);
  normalizer->normalize(text);
  return to_utf8(text.codes);
}

}  // namespace

int32_t AddedTokens::add(const AddedToken& token, const Model& model, const Normalizer* normalizer,
                         const std::string& where) {
  if (const auto it = ids_.find(token.content); it != ids_.end()) {
    if (tokens_.at(it->second) == token) return it->second;
    throw Error(ErrorCode::kBadData,
                where + ": added token " + printable(token.content, 60) + " is given twice");
  }
  int32_t id = model.vocab().find(token.content);
  if (id < 0) id = std::max(model.size(), end_id());
  const std::string pattern = token.normalized ? normalized_form(token.content, normalizer) : token.content;
  add_pattern(token.normalized ? normalized_ : raw_, pattern, id, where);
  tokens_[id] = token;
  ids_[token.content] = id;
  return id;
}

void AddedTokens::add_pattern(Set& set, std::string_view pattern, int32_t id, const std::string& where) {
  if (pattern.empty())
    throw Error(ErrorCode::kBadData, where + ": an added token is empty once it is normalized");
  const ByteTrie::Match found = set.trie.longest(pattern);
  if (found.length == pattern.size()) {
    throw Error(ErrorCode::kBadData, where + ": two added tokens look for " + printable(pattern, 60));
  }
  const auto first = static_cast<unsigned char>(pattern[0]);
  set.only_first = set.trie.empty() || set.only_first == first ? first : -1;
  set.trie.add(pattern, id);
  set.first[first] = true;
}

size_t AddedTokens::next_candidate(const Set& set, std::string_view text, size_t from) {
  if (set.only_first >= 0) {
    const void* found = std::memchr(text.data() + from, set.only_first, text.size() - from);
    return found ? static_cast<size_t>(static_cast<const char*>(found) - text.data()) : text.size();
  }
  while (from < text.size() && !set.first[static_cast<unsigned char>(text[from])]) ++from;
  return from;
}

void AddedTokens::find(const Set& set, std::string_view text, std::vector<Match>& matches) const {
  if (set.trie.empty() || text.empty()) return;
  size_t done = 0;        // up to here the text is taken by matches
  size_t white_done = 0;  // a run of white space that ends here was measured already
  for (size_t at = next_candidate(set, text, 0); at < text.size(); at = next_candidate(set, text, at)) {
    const ByteTrie::Match found = set.trie.longest(text.substr(at));
    if (found.length == 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_.at(found.value);
    size_t begin = at, end = at + found.length;
    at = end;
    if (token.single_word && touches_word(text, begin, end)) continue;
    if (token.lstrip) begin = white_begin(text, std::min(done, begin), begin);
    if (token.rstrip) end = white_done = end < white_done ? white_done : white_end(text, end);
    begin = std::max(begin, done);
    if (begin >= end) continue;  // an earlier match took it as its white space
    matches.push_back({begin, end, found.value});
    done = end;
  }
}

const AddedToken* AddedTokens::token(int32_t id) const {
  const auto it = tokens_.find(id);
  return it == tokens_.end() ? nullptr : &it->second;
}

std::optional<int32_t> AddedTokens::id(std::string_view content) const {
  const auto it = ids_.find(content);
  return it == ids_.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace valence::text
