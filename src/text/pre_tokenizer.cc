#include "text/pre_tokenizer.h"

#include <algorithm>

#include "text/normalizer.h"
#include "text/unicode.h"

namespace valence::text {
namespace {

Matcher match_flag(uint32_t flag) {
  return match_each([flag](char32_t c) { return UnicodeTable::get().has(c, flag); });
}

struct Part {
  Span span;
  bool match;
};

// The matches and what lies between them, covering [0, size).
std::vector<Part> parts_of(size_t size, const std::vector<Span>& matches, bool invert) {
  std::vector<Part> parts;
  parts.reserve(2 * matches.size() + 1);
  size_t done = 0;
  for (const Span& match : matches) {
    if (done < match.begin) parts.push_back({{done, match.begin}, invert});
    parts.push_back({match, !invert});
    done = match.end;
  }
  if (done < size) parts.push_back({{done, size}, invert});
  return parts;
}

std::vector<Span> join(const std::vector<Part>& parts, SplitBehavior behavior) {
  std::vector<Span> out;
  const size_t count = parts.size();
  for (size_t i = 0; i < count; ++i) {
    const bool match = parts[i].match;
    const bool after_match = i > 0 && parts[i - 1].match;
    // At the beginning "no match" is what went before, so a leading match is never joined to anything but
    // itself.
    const bool joins = (behavior == SplitBehavior::kContiguous && i > 0 && match == after_match) ||
                       (behavior == SplitBehavior::kMergedWithPrevious && i > 0 && match && !after_match) ||
                       (behavior == SplitBehavior::kMergedWithNext && i > 0 && !match && after_match);
    if (joins) {
      out.back().end = parts[i].span.end;
    } else if (!(behavior == SplitBehavior::kRemoved && match)) {
      out.push_back(parts[i].span);
    }
  }
  return out;
}

// Rebuilds the text of each piece that is not a token yet by rewrite(text, begin, end, out).
template <typename Function>
void rewrite_pieces(PieceText& text, Function rewrite) {
  PieceText out;
  out.text.codes.reserve(text.text.size());
  out.text.origins.reserve(text.text.size());
  out.pieces.reserve(text.pieces.size());
  for (const Piece& piece : text.pieces) {
    const size_t begin = out.text.size();
    if (piece.token >= 0) {
      out.text.append(text.text, piece.begin, piece.end);
    } else {
      rewrite(text.text, piece.begin, piece.end, out.text);
    }
    out.pieces.push_back({begin, out.text.size(), piece.token});
  }
  text = std::move(out);
}

}  // namespace

void cut_by_matches(size_t begin, size_t end, const std::vector<Span>& matches, SplitBehavior behavior,
                    bool invert, std::vector<Piece>& pieces) {
  for (const Span& span : join(parts_of(end - begin, matches, invert), behavior)) {
    pieces.push_back({begin + span.begin, begin + span.end});
  }
}

void Split::cut(PieceText& text) const {
  std::vector<Piece> out;
  std::vector<Span> matches;
  const std::u32string_view codes = text.text.codes;
  for (const Piece& piece : text.pieces) {
    if (piece.token >= 0) {
      out.push_back(piece);
      continue;
    }
    matches.clear();
    matcher_(codes.substr(piece.begin, piece.end - piece.begin), matches);
    cut_by_matches(piece.begin, piece.end, matches, behavior_, invert_, out);
  }
  text.pieces = std::move(out);
}

WhitespaceSplit::WhitespaceSplit() : Split(match_flag(kWhite), SplitBehavior::kRemoved) {}

BertPreTokenizer::BertPreTokenizer() : punctuation_(match_flag(kPunctuation), SplitBehavior::kIsolated) {}

void BertPreTokenizer::cut(PieceText& text) const {
  spaces_.cut(text);
  punctuation_.cut(text);
}

ByteLevel::ByteLevel(bool add_prefix_space, bool use_pattern)
    : add_prefix_space_(add_prefix_space),
      use_pattern_(use_pattern),
      split_(match_gpt2(), SplitBehavior::kIsolated) {}

void ByteLevel::cut(PieceText& text) const {
  if (add_prefix_space_) {
    rewrite_pieces(text, [](const AlignedText& from, size_t begin, size_t end, AlignedText& out) {
      if (from.codes[begin] != U' ') out.append(U' ', from.origins[begin]);
      out.append(from, begin, end);
    });
  }
  if (use_pattern_) split_.cut(text);
  rewrite_pieces(text, append_bytes);
}

Metaspace::Metaspace(char32_t replacement, Prepend prepend, bool split)
    : replacement_(replacement),
      prepend_(prepend),
      split_at_replacement_(split),
      split_(match_each([replacement](char32_t c) { return c == replacement; }),
             SplitBehavior::kMergedWithNext) {}

void Metaspace::cut(PieceText& text) const {
  rewrite_pieces(text, [this](const AlignedText& from, size_t begin, size_t end, AlignedText& out) {
    const bool first = from.codes[begin] == replacement_ || from.codes[begin] == U' ';
    const bool wanted =
        prepend_ == Prepend::kAlways || (prepend_ == Prepend::kFirst && from.origins[begin].begin == 0);
    if (wanted && !first) out.append(replacement_, from.origins[begin]);
    const size_t copied = out.size();
    out.append(from, begin, end);
    std::replace(out.codes.begin() + static_cast<std::ptrdiff_t>(copied), out.codes.end(), U' ',
                 replacement_);
  });
  if (split_at_replacement_) split_.cut(text);
}

void PreTokenizerSequence::cut(PieceText& text) const {
  for (const auto& step : steps_) step->cut(text);
}

}  // namespace valence::text
