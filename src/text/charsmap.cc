#include "text/charsmap.h"

#include <array>
#include <cstring>

#include "base/error.h"
#include "base/utf8.h"

namespace valence::text {
namespace {

// A unit of the double array: a label that must equal the byte, the offset of its children, and whether one
// of them is a leaf. A leaf (top bit set) holds a value.
uint32_t label(uint32_t unit) { return unit & (1u << 31 | 0xFF); }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t value(uint32_t unit) { return unit & ~(1u << 31); }

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadData, where + ": precompiled_charsmap " + what);
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::string& where) {
  uint32_t trie_bytes = 0;
  if (bytes.size() < sizeof trie_bytes) fail(where, "is too short to hold its length");
  std::memcpy(&trie_bytes, bytes.data(), sizeof trie_bytes);
  bytes.remove_prefix(sizeof trie_bytes);
  if (trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes > bytes.size()) {
    fail(where, "says that its trie has " + std::to_string(trie_bytes) + " bytes, but " +
                    std::to_string(bytes.size()) + " follow");
  }
  units_.resize(trie_bytes / 4);
  std::memcpy(units_.data(), bytes.data(), trie_bytes);
  replacements_ = bytes.substr(trie_bytes);
  if (!is_valid_utf8(replacements_)) fail(where, "has replacements that are not UTF-8");
}

// A damaged trie can lead anywhere: every index is checked, and the walk is as long as the text at most.
template <typename Function>
size_t Charsmap::prefixes(std::string_view text, Function found) const {
  if (units_.empty()) return 0;
  uint32_t node = offset(units_[0]);
  size_t at = 0;
  for (; at < text.size() && text[at] != '\0'; ++at) {
    const uint32_t byte = static_cast<unsigned char>(text[at]);
    node ^= byte;
    if (node >= units_.size() || label(units_[node]) != byte) return at;
    const uint32_t unit = units_[node];
    node ^= offset(unit);
    if (node >= units_.size()) return at;
    if (has_leaf(unit) && value(units_[node]) < replacements_.size() &&
        !found(Match{at + 1, replacement(value(units_[node]))})) {
      return at;
    }
  }
  return at;
}

std::string_view Charsmap::replacement(uint32_t at) const {
  const std::string_view rest = std::string_view(replacements_).substr(at);
  return rest.substr(0, rest.find('\0'));
}

std::optional<Charsmap::Match> Charsmap::shortest(std::string_view text) const {
  std::optional<Match> match;
  prefixes(text, [&](const Match& found) {
    match = found;
    return false;
  });
  return match;
}

std::optional<Charsmap::Match> Charsmap::longest(std::string_view text) const {
  std::optional<Match> match;
  prefixes(text, [&](const Match& found) {
    match = found;
    return true;
  });
  return match;
}

bool Charsmap::begins_key(std::string_view text) const {
  return prefixes(text, [](const Match&) { return true; }) == text.size();
}

std::string decode_base64(std::string_view text, const std::string& where) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int8_t, 256> values;
  values.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  }
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  if (text.size() % 4 != 0) fail(where, "is not base64");
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool pad = i + padding >= text.size();
    const int8_t digit = pad ? int8_t{0} : values[static_cast<unsigned char>(text[i])];
    if (digit < 0) fail(where, "is not base64");
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if (i % 4 != 3) continue;
    for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift & 0xFF);
    bits = 0;
  }
  out.resize(out.size() - padding);
  return out;
}

}  // namespace valence::text
