// What the words of a text became the last time: most words of a language are few.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace valence::text {

// A bounded map from the bytes of a word to its ids. Not thread-safe.
//
// A word of up to 14 bytes with up to four ids, as nearly all are, is one slot of 32 bytes: a look-up touches
// one line of the processor's cache. Where all places of a word are taken, the newest word gets the first of
// them.
class WordCache {
 public:
  // A short word's bytes, zeros after them, and its length in byte 14. A longer word's hash, and kLong there.
  struct Key {
    uint64_t low, high;
    uint64_t hash;
  };
  // `readable`: bytes from the word's beginning that may be read, the word's own among them.
  static Key key_of(std::string_view word, size_t readable);

  WordCache() : slots_(kFirstSlots) {}
  // Begins to fetch what find() will read.
  void prefetch(const Key& key) const { __builtin_prefetch(&slots_[key.hash & (slots_.size() - 1)]); }
  // The ids that were stored for the word (not empty), or null data() when there are none. Valid until the
  // next store.
  std::span<const int32_t> find(const Key& key, std::string_view word) const;
  // Very long words and words of very many tokens are not kept.
  void store(const Key& key, std::string_view word, std::span<const int32_t> ids);

 private:
  static constexpr size_t kShortWord = 14;
  static constexpr size_t kFewIds = 4;
  struct Slot {
    uint64_t low = 0;
    uint64_t high = 0;          // as in Key, with the count of ids in byte 15; 0: free
    int32_t ids[kFewIds] = {};  // of more ids or of a long word: ids[0] is the place of its entry
  };
  static constexpr size_t kFirstSlots = size_t{1} << 10, kMostSlots = size_t{1} << 17;
  static constexpr size_t kProbes = 4;
  static constexpr uint64_t kLong = 255, kElsewhere = 255;
  static constexpr size_t kEntryWords = size_t{1} << 18;  // of 32 bits; when full, all is forgotten
  static constexpr size_t kLongestWord = 128, kMostIds = 64;

  Slot& place_for(uint64_t hash);
  void grow();
  std::span<const int32_t> entry_of(const Slot& slot, std::string_view word) const;
  int32_t add_entry(std::string_view word, std::span<const int32_t> ids);

  std::vector<Slot> slots_;
  size_t used_ = 0;  // slots
  // An entry: bytes of the word, count of ids, the ids, the bytes of the word padded with zeros.
  std::vector<int32_t> entries_;
};

// Caches for as many threads as want one at a time; a thread that finds none free works without.
class WordCaches {
 public:
  class Lease {
   public:
    explicit Lease(WordCaches& caches);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    WordCache* cache() const { return lane_ ? lane_->cache.get() : nullptr; }

   private:
    friend class WordCaches;
    struct Lane {
      std::atomic_flag taken;
      std::unique_ptr<WordCache> cache;  // from the first lease on
    };
    Lane* lane_ = nullptr;
  };

 private:
  std::array<Lease::Lane, 64> lanes_;
};

}  // namespace valence::text
