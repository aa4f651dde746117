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
    }
  }
}

bool SentencePieceNormalizer::cuts_at_spaces() const {
  if (!add_dummy_prefix_ || !remove_extra_spaces_ || space_is_suffix_ || space_ != U'\u2581') return false;
  if (!user_defined_.empty() || map_.longest(" ")) return false;
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

void SentencePieceNormalizer::append(std::string_view written, Offset origin, bool& after_space,
                                     AlignedText& out) const {
  while (after_space && written.starts_with(' ')) written.remove_prefix(1);
  if (!written.empty()) {
    for (size_t at = 0; at < written.size();) {
      const char32_t c = decode_utf8(written, at);
      out.append(c == U' ' ? space_ : c, origin);
    }
    after_space = written.ends_with(' ');
  }
  if (!remove_extra_spaces_) after_space = false;
}

void SentencePieceNormalizer::normalize(AlignedText& text) const {
  std::string utf8;
  std::vector<uint32_t> code_of;  // of each byte
  for (size_t i = 0; i < text.size(); ++i) {
    valence::append_utf8(utf8, text.codes[i]);
    code_of.resize(utf8.size(), static_cast<uint32_t>(i));
  }
  const std::string_view bytes = utf8;
  size_t at = 0;
  while (remove_extra_spaces_ && at < bytes.size()) {
    const Prefix prefix = next(bytes.substr(at));
    if (prefix.written != " ") break;
    at += prefix.length;
  }
  AlignedText out;
  if (at < bytes.size()) {
    if (add_dummy_prefix_ && !space_is_suffix_) out.append(space_, text.origins[code_of[at]]);
    bool after_space = remove_extra_spaces_;
    while (at < bytes.size()) {
      const Prefix prefix = next(bytes.substr(at));
      append(prefix.written, text.origin(code_of[at], code_of[at + prefix.length - 1] + 1), after_space, out);
      at += prefix.length;
    }
    while (remove_extra_spaces_ && !out.empty() && out.codes.back() == space_) {
      out.codes.pop_back();
      out.origins.pop_back();
    }
    if (add_dummy_prefix_ && space_is_suffix_) out.append(space_, text.origins.back());
  }
  for (size_t i = 0; !space_is_suffix_ && i + 1 < out.size(); ++i) {
    if (out.codes[i] == space_ && out.codes[i + 1] != space_) out.origins[i] = out.origins[i + 1];
  }
  text = std::move(out);
}

}  // namespace valence::text
