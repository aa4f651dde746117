#include "text/sentencepiece_normalizer.h"

#include <array>

#include "base/utf8.h"

namespace valence::text {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

}  // namespace

SentencePieceNormalizer::SentencePieceNormalizer(const SentencePieceFile& file, const std::string& where)
    : add_dummy_prefix_(file.add_dummy_prefix),
      remove_extra_spaces_(file.remove_extra_spaces),
      space_is_suffix_(file.space_is_suffix),
      space_(file.escape_spaces ? U'\u2581' : U' ') {
  if (!file.charsmap.empty()) map_ = Charsmap(file.charsmap, where);
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    if (file.pieces[id].type == SentencePieceFile::Type::kUserDefined) {
      user_defined_.add(file.pieces[id].text, static_cast<int32_t>(id));
      user_defined_spaces_ = user_defined_spaces_ || file.pieces[id].text.find(' ') != std::string_view::npos;
    }
  }
}

bool SentencePieceNormalizer::cuts_at_spaces() const {
  if (!add_dummy_prefix_ || !remove_extra_spaces_ || space_is_suffix_ || space_ != U'\u2581') return false;
  if (user_defined_spaces_ || map_.longest(" ")) return false;
  for (int byte = 1; byte < 256; ++byte) {
    if (map_.begins_key({std::array{' ', static_cast<char>(byte)}.data(), 2})) return false;
  }
  return true;
}

bool SentencePieceNormalizer::reaches_over_space(std::string_view word) const {
  std::string spaced(word);
  spaced += ' ';
  for (size_t at = 0; at < word.size(); ++at) {
    if (map_.begins_key(std::string_view(spaced).substr(at))) return true;
  }
  return false;
}

// The beginning of a text that is rewritten as a whole; at least one byte.
SentencePieceNormalizer::Prefix SentencePieceNormalizer::next(std::string_view utf8) const {
  if (const size_t length = user_defined_.longest(utf8).length; length > 0) {
    return {length, utf8.substr(0, length)};
  }
  if (const auto match = map_.longest(utf8)) return {match->length, match->replacement};
  size_t length = 0;
  // Keys that end within a character would leave its rest behind, which is not UTF-8.
  if (decode_utf8(utf8, length) == kInvalidCodePoint) return {1, kReplacement};
  return {length, utf8.substr(0, length)};
}

// A Result takes append(code, begin, end), a code point and the bytes that it stands for, and strip(code),
// which removes all that are `code` from its end.
template <typename Result>
void SentencePieceNormalizer::rewrite(std::string_view utf8, Result& out) const {
  size_t at = 0;
  while (remove_extra_spaces_ && at < utf8.size()) {
    const Prefix prefix = next(utf8.substr(at));
    if (prefix.written != " ") break;
    at += prefix.length;
  }
  if (at == utf8.size()) return;
  if (add_dummy_prefix_ && !space_is_suffix_) out.append(space_, at, at + 1);
  bool after_space = remove_extra_spaces_;
  while (at < utf8.size()) {
    const Prefix prefix = next(utf8.substr(at));
    std::string_view written = prefix.written;
    while (after_space && written.starts_with(' ')) written.remove_prefix(1);
    for (size_t i = 0; i < written.size();) {
      const char32_t c = decode_utf8(written, i);
      out.append(c == U' ' ? space_ : c, at, at + prefix.length);
    }
    if (!written.empty()) after_space = remove_extra_spaces_ && written.ends_with(' ');
    at += prefix.length;
  }
  if (remove_extra_spaces_) out.strip(space_);
  if (add_dummy_prefix_ && space_is_suffix_) out.append(space_, utf8.size() - 1, utf8.size());
}

void SentencePieceNormalizer::normalize(std::string_view text, std::string& out) const {
  struct Result {
    std::string& bytes;
    void append(char32_t c, size_t, size_t) const { valence::append_utf8(bytes, c); }
    void strip(char32_t c) const {
      std::string mark;
      valence::append_utf8(mark, c);
      while (bytes.ends_with(mark)) bytes.resize(bytes.size() - mark.size());
    }
  } result{out};
  out.clear();
  rewrite(text, result);
}

void SentencePieceNormalizer::normalize(AlignedText& text) const {
  struct Result {
    const AlignedText& original;
    std::vector<uint32_t> code_of;  // of each byte
    AlignedText text;
    void append(char32_t c, size_t begin, size_t end) {
      text.append(c, original.origin(code_of[begin], code_of[end - 1] + 1));
    }
    void strip(char32_t c) {
      while (!text.empty() && text.codes.back() == c) {
        text.codes.pop_back();
        text.origins.pop_back();
      }
    }
  } out{text, {}, {}};
  std::string utf8;
  for (size_t i = 0; i < text.size(); ++i) {
    valence::append_utf8(utf8, text.codes[i]);
    out.code_of.resize(utf8.size(), static_cast<uint32_t>(i));
  }
  rewrite(utf8, out);
  AlignedText& result = out.text;
  for (size_t i = 0; !space_is_suffix_ && i + 1 < result.size(); ++i) {
    if (result.codes[i] == space_ && result.codes[i + 1] != space_) result.origins[i] = result.origins[i + 1];
  }
  text = std::move(result);
}

}  // namespace valence::text
