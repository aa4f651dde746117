// Byte pair encoding (Sennrich et al. 2016): the symbols of a piece are merged pair by pair, always the pair
// of the lowest rank, the leftmost of equals.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/model.h"

namespace valence::text {

class Bpe : public Model {
 public:
  struct Settings {
    std::optional<std::string> unknown;
    std::string prefix;  // of the symbols after the first one
    std::string suffix;  // of the last symbol
    bool fuse_unknown = false;
    bool byte_fallback = false;  // <0x41> for the bytes of an unknown symbol
    bool ignore_merges = false;  // a piece that is a token is that token
  };
  // Merges as (left, right) in the order of their ranks; views need not outlive the constructor.
  using Merges = std::vector<std::pair<std::string_view, std::string_view>>;
  // Errors: kBadData when a merge names or makes a token that the vocabulary lacks, or when the unknown token
  // is missing and a byte-level alphabet does not make it superfluous.
  Bpe(Vocab vocab, const Merges& merges, Settings settings, const std::string& where);

  void tokenize(std::string_view piece, std::vector<Token>& tokens) const override;
  const Vocab& vocab() const override { return vocab_; }

  // Byte-level: appends the ids of a piece given in its own bytes, not in GPT-2's printable form of them.
  // Needs merges_bytes().
  void tokenize_bytes(std::string_view piece, std::vector<int32_t>& ids) const;
  // Whether each byte has a token, and tokens come from merging those alone.
  bool merges_bytes() const {
    return covers_bytes_ && settings_.prefix.empty() && settings_.suffix.empty() && !settings_.ignore_merges;
  }

 private:
  struct Merge {
    uint32_t rank = UINT32_MAX;
    int32_t id = -1;
  };
  struct Slot {
    uint64_t pair;  // left << 32 | right
    Merge merge;
  };
  struct Symbol {
    int32_t id;
    uint32_t length;  // bytes of the piece
  };
  class Merger;

  void add_merge(int32_t left, int32_t right, Merge merge);
  Merge find(int32_t left, int32_t right) const;
  void split(std::string_view piece, std::vector<Symbol>& symbols) const;
  bool add_bytes(std::string_view symbol, std::vector<Symbol>& symbols) const;
  void merge(std::vector<Symbol>& symbols) const;
  void merge_short(std::vector<Symbol>& symbols) const;

  Vocab vocab_;
  Settings settings_;
  int32_t unknown_ = -1;
  std::vector<Slot> slots_;  // open addressing, at most half full
  std::array<int32_t, 256> byte_ids_{};
  std::array<int32_t, 256> fallback_ids_{};
  bool covers_bytes_ = false;
};

// GPT-2's printable stand-in for each byte: itself for the visible characters of Latin-1, else one from
// U+0100.
const std::array<char32_t, 256>& byte_alphabet();

}  // namespace valence::text
