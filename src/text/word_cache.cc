#include "text/word_cache.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>

namespace valence::text {
namespace {

template <typename Word>
uint64_t load(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// A mask of the first `count` bytes of a little-endian word, up to all 8.
uint64_t first_bytes(uint64_t count) { return count == 0 ? 0 : ~uint64_t{0} >> (64 - 8 * count); }

// Both halves of a 128-bit product: every bit of the result depends on every bit of the input.
uint64_t fold(uint64_t a, uint64_t b) {
  const auto product =
      static_cast<unsigned __int128>(a ^ 0x9E3779B97F4A7C15ULL) * (b ^ 0xE7037ED1A0B428DBULL);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

WordCache::Key WordCache::key_of(std::string_view word, size_t readable) {
  const char* bytes = word.data();
  const size_t size = word.size();
  if (size > kShortWord) {
    uint64_t seed = size;
    for (size_t at = 0; at + 8 < size; at += 8) seed = fold(seed, load<uint64_t>(bytes + at));
    seed = fold(seed, load<uint64_t>(bytes + size - 8));
    return {seed, kLong << 48, seed};
  }
  // Without a branch on the length where sixteen bytes can be read.
  char copy[16] = {};
  if (readable < sizeof copy) {
    std::memcpy(copy, bytes, size);
    bytes = copy;
  }
  const uint64_t low_bytes = std::min<size_t>(size, 8), high_bytes = size - low_bytes;
  const uint64_t low = load<uint64_t>(bytes) & first_bytes(low_bytes);
  const uint64_t high = (load<uint64_t>(bytes + 8) & first_bytes(high_bytes)) | uint64_t{size} << 48;
  return {low, high, fold(low, high)};
}

std::span<const int32_t> WordCache::entry_of(const Slot& slot, std::string_view word) const {
  const int32_t* entry = entries_.data() + slot.ids[0];
  const auto size = static_cast<size_t>(entry[0]), count = static_cast<size_t>(entry[1]);
  const int32_t* ids = entry + 2;
  if (size != word.size() || std::memcmp(ids + count, word.data(), size) != 0) return {};
  return {ids, count};
}

std::span<const int32_t> WordCache::find(const Key& key, std::string_view word) const {
  for (size_t probe = 0; probe < kProbes; ++probe) {
    const Slot& slot = slots_[(key.hash + probe) & (slots_.size() - 1)];
    if (slot.high == 0) return {};
    if (slot.low != key.low || (slot.high << 8) != (key.high << 8)) continue;
    const uint64_t count = slot.high >> 56;
    return count == kElsewhere ? entry_of(slot, word) : std::span(slot.ids, count);
  }
  return {};
}

int32_t WordCache::add_entry(std::string_view word, std::span<const int32_t> ids) {
  const size_t place = entries_.size(), bytes = place + 2 + ids.size();
  entries_.push_back(static_cast<int32_t>(word.size()));
  entries_.push_back(static_cast<int32_t>(ids.size()));
  entries_.insert(entries_.end(), ids.begin(), ids.end());
  entries_.resize(bytes + (word.size() + 3) / 4, 0);
  std::memcpy(entries_.data() + bytes, word.data(), word.size());
  return static_cast<int32_t>(place);
}

WordCache::Slot& WordCache::place_for(uint64_t hash) {
  for (size_t probe = 0; probe < kProbes; ++probe) {
    Slot& slot = slots_[(hash + probe) & (slots_.size() - 1)];
    if (slot.high != 0) continue;
    ++used_;
    return slot;
  }
  return slots_[hash & (slots_.size() - 1)];
}

void WordCache::grow() {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(4 * slots_.size()));
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.high == 0) continue;
    const uint64_t high = slot.high << 8 >> 8;
    place_for(high == kLong << 48 ? slot.low : fold(slot.low, high)) = slot;
  }
}

void WordCache::store(const Key& key, std::string_view word, std::span<const int32_t> ids) {
  if (word.empty() || word.size() > kLongestWord || ids.empty() || ids.size() > kMostIds) return;
  if (entries_.size() > kEntryWords) {
    std::ranges::fill(slots_, Slot());
    entries_.clear();
    used_ = 0;
  }
  if (2 * used_ > slots_.size() && slots_.size() < kMostSlots) grow();
  const bool here = word.size() <= kShortWord && ids.size() <= kFewIds;
  Slot& place = place_for(key.hash);
  place = {key.low, key.high | (here ? ids.size() : kElsewhere) << 56, {}};
  if (here) {
    std::ranges::copy(ids, place.ids);
  } else {
    place.ids[0] = add_entry(word, ids);
  }
}

// Each thread tries its own lane first, so that it finds its own words there again.
WordCaches::Lease::Lease(WordCaches& caches) {
  const size_t first = std::hash<std::thread::id>()(std::this_thread::get_id());
  for (size_t k = 0; k < caches.lanes_.size(); ++k) {
    Lane& lane = caches.lanes_[(first + k) % caches.lanes_.size()];
    if (lane.taken.test_and_set(std::memory_order_acquire)) continue;
    lane_ = &lane;
    if (!lane.cache) lane.cache = std::make_unique<WordCache>();
    return;
  }
}

WordCaches::Lease::~Lease() {
  if (lane_ != nullptr) lane_->taken.clear(std::memory_order_release);
}

}  // namespace valence::text
