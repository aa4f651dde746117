#include "text/normalizer.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/bpe.h"
#include "text/unicode.h"

namespace valence::text {
namespace {

template <typename Predicate>
void remove_if(AlignedText& text, Predicate removed) {
  size_t kept = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (removed(text.codes[i])) continue;
    text.codes[kept] = text.codes[i];
    text.origins[kept++] = text.origins[i];
  }
  text.codes.resize(kept);
  text.origins.resize(kept);
}

// The decomposed text in canonical order (UAX #15). A mark that moves takes its edit with it: origins are
// dealt out afterwards, by position.
std::vector<Edit> decomposition(std::u32string_view codes, bool compatible) {
  const UnicodeTable& table = UnicodeTable::get();
  const auto rank = [&](const Edit& edit) { return table[edit.code].combining_class; };
  std::vector<Edit> edits;
  edits.reserve(codes.size());
  size_t marks = 0;  // the first of the marks that are not in order yet
  const auto sort_marks = [&] {
    std::stable_sort(edits.begin() + static_cast<std::ptrdiff_t>(marks), edits.end(),
                     [&](const Edit& a, const Edit& b) { return rank(a) < rank(b); });
  };
  for (const char32_t c : codes) {
    MappingScratch scratch;
    int change = 0;
    for (const char32_t part : decompose(c, compatible, scratch)) {
      if (table[part].combining_class == 0) {
        sort_marks();
        marks = edits.size() + 1;
      }
      edits.push_back({part, change});
      change = 1;
    }
  }
  sort_marks();
  return edits;
}

// Composes in place: a mark joins the last starter unless a mark of the same or a higher class stands
// between.
void recompose(std::vector<Edit>& edits) {
  const UnicodeTable& table = UnicodeTable::get();
  size_t kept = 0, starter = SIZE_MAX;
  int last_class = -1;  // of the last mark kept after the starter; -1 when there is none
  for (const Edit& edit : edits) {
    const int rank = table[edit.code].combining_class;
    if (starter != SIZE_MAX && (last_class < 0 || last_class < rank)) {
      if (const char32_t composed = compose(edits[starter].code, edit.code)) {
        edits[starter] = {composed, edits[starter].change + edit.change - 1};
        continue;
      }
    }
    edits[kept] = edit;
    if (rank == 0) {
      starter = kept;
      last_class = -1;
    } else {
      last_class = rank;
    }
    ++kept;
  }
  edits.resize(kept);
}

void decompose_text(AlignedText& text, bool compatible) {
  apply_edits(text, decomposition(text.codes, compatible));
}

void clean(AlignedText& text) {
  const UnicodeTable& table = UnicodeTable::get();
  remove_if(text, [&](char32_t c) { return table.has(c, kBertRemoved); });
  for (char32_t& c : text.codes) c = table.has(c, kWhite) ? U' ' : c;
}

void split_ideographs(AlignedText& text) {
  if (std::none_of(text.codes.begin(), text.codes.end(), is_bert_ideograph)) return;
  AlignedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool apart = is_bert_ideograph(text.codes[i]);
    if (apart) out.append(U' ', text.origins[i]);
    out.append(text.codes[i], text.origins[i]);
    if (apart) out.append(U' ', text.origins[i]);
  }
  text = std::move(out);
}

}  // namespace

bool is_bert_ideograph(char32_t c) {
  if (c < 0x3400) return false;
  // The reference begins the fifth block at U+2B920, not at U+2B820 as the standard does.
  return c <= 0x4DBF || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

void BertNormalizer::normalize(AlignedText& text) const {
  if (settings_.clean_text) clean(text);
  if (settings_.split_ideographs) split_ideographs(text);
  if (settings_.strip_accents) {
    decompose_text(text, false);
    remove_if(text, [](char32_t c) { return UnicodeTable::get().has(c, kNonspacing); });
  }
  if (settings_.lowercase) Lowercase().normalize(text);
}

void UnicodeForm::normalize(AlignedText& text) const {
  const bool inert = std::all_of(text.codes.begin(), text.codes.end(),
                                 [&](char32_t c) { return c < 0x80 || (is_nfc() && is_inert_in_nfc(c)); });
  if (inert) return;
  std::vector<Edit> edits = decomposition(text.codes, compatible_);
  if (composed_) recompose(edits);
  apply_edits(text, edits);
}

void Lowercase::normalize(AlignedText& text) const {
  AlignedText out;
  out.codes.reserve(text.size());
  out.origins.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    MappingScratch scratch;
    for (const char32_t c : lowercase(text.codes[i], scratch)) out.append(c, text.origins[i]);
  }
  text = std::move(out);
}

void StripAccents::normalize(AlignedText& text) const {
  remove_if(text, [](char32_t c) { return UnicodeTable::get().has(c, kCombining); });
}

void Strip::normalize(AlignedText& text) const {
  const UnicodeTable& table = UnicodeTable::get();
  size_t begin = 0, end = text.size();
  while (left_ && begin < end && table.has(text.codes[begin], kWhite)) ++begin;
  while (right_ && begin < end && table.has(text.codes[end - 1], kWhite)) --end;
  AlignedText out;
  out.append(text, begin, end);
  text = std::move(out);
}

void prepend(AlignedText& text, std::u32string_view prefix) {
  if (text.empty()) return;
  text.codes.insert(0, prefix);
  text.origins.insert(text.origins.begin(), prefix.size(), text.origins.front());
}

void Prepend::normalize(AlignedText& text) const { prepend(text, prefix_); }

void Replace::normalize(AlignedText& text) const {
  std::vector<Span> matches;
  matcher_(text.codes, matches);
  if (matches.empty()) return;
  AlignedText out;
  size_t done = 0;
  for (const Span& match : matches) {
    out.append(text, done, match.begin);
    // What is put in stands for the last code point of the match, as in the reference.
    for (const char32_t c : content_) out.append(c, text.origins[match.end - 1]);
    done = match.end;
  }
  out.append(text, done, text.size());
  text = std::move(out);
}

void Nmt::normalize(AlignedText& text) const {
  remove_if(text, [](char32_t c) {
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
           c == 0x9F;
  });
  for (char32_t& c : text.codes) {
    const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                       (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                       c == 0xFEFF || c == 0xFFFD;
    if (space) c = U' ';
  }
}

namespace {

// The edits by which `count` code points become `replacement`: what is too much is inserted at the end, what
// is missing is removed after the last one.
void append_replacement(std::u32string_view replacement, size_t count, std::vector<Edit>& edits) {
  const size_t same = std::min(replacement.size(), count);
  for (size_t i = 0; i < replacement.size(); ++i) edits.push_back({replacement[i], i < same ? 0 : 1});
  // As in the reference, an empty replacement is charged to whatever came before it, and lost at the
  // beginning.
  if (count > same && !edits.empty()) edits.back().change -= static_cast<int>(count - same);
}

}  // namespace

void Precompiled::normalize_cluster(std::u32string_view cluster, std::vector<Edit>& edits) const {
  constexpr size_t kLongestCluster = 5;  // bytes of a cluster that is looked up as a whole
  std::string utf8 = to_utf8(cluster.substr(0, kLongestCluster + 1));
  if (utf8.size() <= kLongestCluster) {
    if (const auto match = map_.shortest(utf8)) {
      append_replacement(to_utf32(match->replacement), cluster.size(), edits);
      return;
    }
  }
  for (const char32_t c : cluster) {
    utf8.clear();
    valence::append_utf8(utf8, c);
    if (const auto match = map_.shortest(utf8)) {
      append_replacement(to_utf32(match->replacement), 1, edits);
    } else {
      edits.push_back({c, 0});
    }
  }
}

void Precompiled::normalize(AlignedText& text) const {
  std::vector<Edit> edits;
  edits.reserve(text.size());
  GraphemeScanner scanner;
  const std::u32string_view codes = text.codes;
  size_t begin = 0;
  for (size_t at = 0; at < codes.size(); ++at) {
    if (scanner.boundary_before(codes[at]) && at > begin) {
      normalize_cluster(codes.substr(begin, at - begin), edits);
      begin = at;
    }
  }
  normalize_cluster(codes.substr(begin), edits);
  apply_edits(text, edits);
}

bool Precompiled::keeps_spaces() const {
  const auto match = map_.shortest(" ");
  return !match || match->replacement == " ";
}

void append_bytes(const AlignedText& text, size_t begin, size_t end, AlignedText& out) {
  std::string utf8;
  for (size_t i = begin; i < end; ++i) {
    utf8.clear();
    valence::append_utf8(utf8, text.codes[i]);
    for (const char c : utf8) out.append(byte_alphabet()[static_cast<unsigned char>(c)], text.origins[i]);
  }
}

void ByteLevelNormalizer::normalize(AlignedText& text) const {
  AlignedText out;
  append_bytes(text, 0, text.size(), out);
  text = std::move(out);
}

void NormalizerSequence::normalize(AlignedText& text) const {
  for (const auto& step : steps_) step->normalize(text);
}

}  // namespace valence::text
