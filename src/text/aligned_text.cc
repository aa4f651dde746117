#include "text/aligned_text.h"

#include "base/error.h"
#include "base/utf8.h"

namespace valence::text {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

char32_t decode_or_replace(std::string_view utf8, size_t& at) {
  const char32_t c = decode_utf8(utf8, at);
  return c == kInvalidCodePoint ? kReplacement : c;
}

}  // namespace

AlignedText::AlignedText(std::string_view utf8, uint32_t first) {
  codes.reserve(utf8.size());
  origins.reserve(utf8.size());
  for (size_t at = 0; at < utf8.size(); ++first) append(decode_or_replace(utf8, at), {first, first + 1});
}

void AlignedText::append(const AlignedText& other, size_t begin, size_t end) {
  codes.append(other.codes, begin, end - begin);
  origins.insert(origins.end(), other.origins.begin() + static_cast<std::ptrdiff_t>(begin),
                 other.origins.begin() + static_cast<std::ptrdiff_t>(end));
}

void apply_edits(AlignedText& text, const std::vector<Edit>& edits, size_t removed) {
  AlignedText out;
  out.codes.reserve(edits.size());
  out.origins.reserve(edits.size());
  size_t next = removed;  // the old code point that the next replacement takes
  for (const Edit& edit : edits) {
    if (edit.change > 0) {
      out.append(edit.code, next == 0 ? Offset{0, 0} : text.origins[next - 1]);
    } else {
      VALENCE_CHECK(next < text.size());
      out.append(edit.code, text.origins[next]);
      next += 1 + static_cast<size_t>(-edit.change);
    }
  }
  text = std::move(out);
}

void append_utf8(std::string& out, std::u32string_view codes) {
  for (const char32_t c : codes) valence::append_utf8(out, c);
}

std::string to_utf8(std::u32string_view codes) {
  std::string out;
  out.reserve(codes.size());
  append_utf8(out, codes);
  return out;
}

std::u32string to_utf32(std::string_view utf8) {
  std::u32string out;
  out.reserve(utf8.size());
  for (size_t at = 0; at < utf8.size();) out.push_back(decode_or_replace(utf8, at));
  return out;
}

}  // namespace valence::text
