// The two directions of a vocabulary: token -> id through a hash table, id -> token through an array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace valence::text {

// Ids beyond this are refused, so that no file can make us allocate for them.
constexpr int64_t kMaxTokenId = (1 << 24) - 1;

// A polynomial over the bytes, so that the hashes of all prefixes of a word come from one pass over it.
class PrefixHash {
 public:
  static constexpr uint64_t kStart = 0x9E3779B97F4A7C15ULL;
  static uint64_t extend(uint64_t hash, unsigned char byte) { return hash * kBase + byte + 1; }
  static uint64_t of(std::string_view bytes, uint64_t hash = kStart) {
    for (const char c : bytes) hash = extend(hash, static_cast<unsigned char>(c));
    return hash;
  }

 private:
  static constexpr uint64_t kBase = 0xD6E8FEB86659FD93ULL;
};

class Vocab {
 public:
  // Room for `tokens` tokens; more may be added.
  explicit Vocab(size_t tokens = 0);

  // Adds a token under an unused id in [0, kMaxTokenId]. A token that is there already moves to the new id
  // (the old id keeps its text) and false is returned.
  bool add(std::string_view token, int32_t id);
  bool has_id(int32_t id) const;

  // The id of a token, -1 when absent.
  int32_t find(std::string_view token) const { return find(token, {}, PrefixHash::of(token)); }
  // The same for the token prefix + token, whose hash is known.
  int32_t find(std::string_view token, std::string_view prefix, uint64_t hash) const;
  // The text of an id, "" when there is none.
  std::string_view token(int32_t id) const;
  size_t size() const { return count_; }                                    // different tokens
  int32_t end_id() const { return static_cast<int32_t>(entries_.size()); }  // largest id + 1
  size_t longest() const { return longest_; }                               // bytes of the longest token

 private:
  struct Entry {
    uint32_t begin;
    uint32_t length;  // kNone for an unused id
  };
  struct Slot {
    uint32_t tag;  // the upper half of the hash
    int32_t id;    // -1 for an empty slot
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  static uint64_t mix(uint64_t hash) { return (hash ^ (hash >> 32)) * 0x9FB21C651E98DF25ULL; }
  void grow();
  Slot& slot_of(std::string_view token, uint64_t hash);

  std::string bytes_;
  std::vector<Entry> entries_;  // by id
  std::vector<Slot> slots_;     // open addressing, at most half full
  size_t count_ = 0;
  size_t longest_ = 0;
};

}  // namespace valence::text
