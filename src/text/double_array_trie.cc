#include "text/double_array_trie.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace valence::text {

// Places the nodes level by level. Blocks of 256 units hold all the children that one base can have.
class DoubleArrayTrie::Builder {
 public:
  Builder(std::vector<Unit>& units, std::vector<Key>& keys)
      : units_(units), keys_(keys), other_(keys.size()) {}

  void build() {
    add_block();
    take(0);
    std::vector<Range> level{{0, 0, keys_.size()}}, next;
    for (size_t depth = 0; !level.empty(); ++depth) {
      next.clear();
      for (const Range& range : level) place_children(range, depth, next);
      level.swap(next);
    }
  }

 private:
  static constexpr uint32_t kBlock = 256;
  static constexpr uint32_t kMostUnits = uint32_t{1} << 30;
  static constexpr int kTries = 32;  // of free units, before a block is added

  // The keys [begin, end) share the prefix that `node` stands for.
  struct Range {
    uint32_t node;
    size_t begin, end;
  };

  void add_block() {
    const auto first = static_cast<uint32_t>(units_.size());
    if (first >= kMostUnits) throw Error(ErrorCode::kBadData, "a vocabulary too large for this tokenizer");
    units_.resize(first + kBlock);
    free_.resize(first + kBlock);
    for (uint32_t unit = first; unit < first + kBlock; ++unit) free_[unit] = {unit - 1, unit + 1};
    const uint32_t last = last_free_;
    free_[first].before = last;
    free_[first + kBlock - 1].after = kNobody;
    (last == kNobody ? first_free_ : free_[last].after) = first;
    last_free_ = first + kBlock - 1;
  }

  void take(uint32_t unit) {
    const Neighbours around = free_[unit];
    (around.before == kNobody ? first_free_ : free_[around.before].after) = around.after;
    (around.after == kNobody ? last_free_ : free_[around.after].before) = around.before;
    free_[unit] = {unit, unit};
  }
  bool is_free(uint32_t unit) const { return free_[unit].before != unit; }

  // A base by which all the bytes lead to free units. The newest units are the emptiest; a node with one
  // child also fills the oldest.
  uint32_t choose_base(const std::vector<unsigned char>& bytes) {
    if (bytes.size() == 1) {
      if (first_free_ == kNobody) add_block();
      return first_free_ ^ bytes[0];
    }
    uint32_t unit = last_free_;
    for (int tries = 0; tries < kTries && unit != kNobody; ++tries, unit = free_[unit].before) {
      const uint32_t base = unit ^ bytes[0];
      if (std::all_of(bytes.begin(), bytes.end(), [&](unsigned char byte) { return is_free(base ^ byte); }))
        return base;
    }
    add_block();
    return last_free_ ^ bytes[0];
  }

  uint32_t add_child(uint32_t node, uint32_t base, unsigned char byte) {
    const uint32_t child = base ^ byte;
    take(child);
    units_[node].base = base;
    units_[child].parent = node;
    return child;
  }

  // The rest of a key that shares it with no other.
  void place_rest(uint32_t node, const Key& key, size_t depth) {
    for (; depth < key.text.size(); ++depth) {
      bytes_.assign(1, static_cast<unsigned char>(key.text[depth]));
      node = add_child(node, choose_base(bytes_), bytes_[0]);
    }
    units_[node].value = key.value;
  }

  // Ends the keys that are `depth` long at the node, and sorts the others by their next byte.
  void place_children(Range range, size_t depth, std::vector<Range>& next) {
    if (range.end - range.begin == 1) return place_rest(range.node, keys_[range.begin], depth);
    bytes_.clear();
    size_t rest = range.begin;
    for (size_t i = range.begin; i < range.end; ++i) {
      const Key key = keys_[i];
      if (key.text.size() == depth) {
        units_[range.node].value = key.value;
        continue;
      }
      const auto byte = static_cast<unsigned char>(key.text[depth]);
      if (places_[byte]++ == 0) bytes_.push_back(byte);
      other_[rest++] = key;
    }
    if (bytes_.empty()) return;
    const uint32_t base = choose_base(bytes_);
    size_t begin = range.begin;
    for (const unsigned char byte : bytes_) {
      const size_t end = begin + places_[byte];
      next.push_back({add_child(range.node, base, byte), begin, end});
      places_[byte] = begin;
      begin = end;
    }
    for (size_t i = range.begin; i < rest; ++i) {
      keys_[places_[static_cast<unsigned char>(other_[i].text[depth])]++] = other_[i];
    }
    for (const unsigned char byte : bytes_) places_[byte] = 0;
  }

  struct Neighbours {
    uint32_t before, after;  // in the list of free units; of a unit that is taken both are itself
  };

  std::vector<Unit>& units_;
  std::vector<Key>& keys_;
  std::vector<Key> other_;
  std::vector<unsigned char> bytes_;  // of the children at hand
  std::array<size_t, 256> places_{};  // of the keys of each byte; zeros in between
  std::vector<Neighbours> free_;
  uint32_t first_free_ = kNobody, last_free_ = kNobody;
};

DoubleArrayTrie::DoubleArrayTrie(std::vector<Key> keys) { Builder(units_, keys).build(); }

}  // namespace valence::text
