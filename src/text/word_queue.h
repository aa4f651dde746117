// The words of one text on their way through a cache.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "text/word_cache.h"

namespace valence::text {

// An encoder whose words do not depend on each other: `function(word, ids)` appends the ids of one.
template <typename Function>
class EachAlone {
 public:
  explicit EachAlone(Function function) : function_(std::move(function)) {}
  bool compute(std::string_view word, std::vector<int32_t>& ids) {
    function_(word, ids);
    return true;
  }
  void known(std::string_view /*word*/, std::span<const int32_t> word_ids, std::vector<int32_t>& ids) {
    for (const int32_t id : word_ids) ids.push_back(id);
  }

 private:
  Function function_;
};

// Words on their way to their ids. A few are kept waiting, so that the cache's memory is on its way while the
// words behind them are still being cut. `Encode` has two functions:
//   bool compute(word, ids)         appends the ids of a word that the cache does not know; whether to keep
//   them void known(word, word_ids, ids) appends those that it knows
template <typename Encode>
class WordQueue {
 public:
  WordQueue(WordCaches& caches, std::string_view text, std::vector<int32_t>& ids, Encode& encode)
      : lease_(caches), cache_(lease_.cache()), text_(text), ids_(ids), encode_(encode) {}

  // The word [begin, end) of the text.
  void add(size_t begin, size_t end) {
    const std::string_view word = text_.substr(begin, end - begin);
    if (cache_ == nullptr) {
      encode_.compute(word, ids_);
      return;
    }
    if (count_ == kWaiting) encode_oldest();
    const size_t place = (first_ + count_++) % kWaiting;
    words_[place] = word;
    keys_[place] = WordCache::key_of(word, text_.size() - begin);
    cache_->prefetch(keys_[place]);
  }

  void finish() {
    while (count_ > 0) encode_oldest();
  }

 private:
  static constexpr size_t kWaiting = 8;

  void encode_oldest() {
    const std::string_view word = words_[first_];
    const WordCache::Key key = keys_[first_];
    first_ = (first_ + 1) % kWaiting;
    --count_;
    const std::span<const int32_t> known = cache_->find(key, word);
    if (known.data() != nullptr) return encode_.known(word, known, ids_);
    const size_t before = ids_.size();
    if (encode_.compute(word, ids_)) cache_->store(key, word, std::span(ids_).subspan(before));
  }

  WordCaches::Lease lease_;
  WordCache* cache_;  // null: every cache is in use
  const std::string_view text_;
  std::vector<int32_t>& ids_;
  Encode& encode_;
  std::array<std::string_view, kWaiting> words_;
  std::array<WordCache::Key, kWaiting> keys_;
  size_t first_ = 0, count_ = 0;
};

}  // namespace valence::text
