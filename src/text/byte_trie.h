// A growing set of byte strings that finds all its members that begin a text, in one walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace valence::text {

// The edges lie in one hash table: it is built in any order of keys, in time in proportion to their bytes.
class ByteTrie {
 public:
  ByteTrie();
  // Adds a key that is not empty with a value >= 0; a key that is there already takes the new value.
  // Errors: kBadData when the keys have more than 2^24 different prefixes.
  void add(std::string_view key, int32_t value);
  bool empty() const { return values_.size() == 1; }

  // Calls found(length, value) for each key that begins `text`, the shortest first.
  template <typename Function>
  void prefixes(std::string_view text, Function found) const {
    uint32_t node = 0;
    for (size_t at = 0; at < text.size(); ++at) {
      node = child(node, static_cast<unsigned char>(text[at]));
      if (node == 0) return;
      if (values_[node] >= 0) found(at + 1, values_[node]);
    }
  }
  // The longest key that begins `text`: its length (0 for none) and value.
  struct Match {
    size_t length = 0;
    int32_t value = -1;
  };
  Match longest(std::string_view text) const {
    Match match;
    prefixes(text, [&](size_t length, int32_t value) { match = {length, value}; });
    return match;
  }

 private:
  struct Edge {
    uint32_t key;    // parent << 8 | byte
    uint32_t child;  // 0 for an empty slot: the root is nobody's child
  };
  static size_t hash(uint32_t key) { return (key * 0x9E3779B97F4A7C15ULL) >> 24; }
  uint32_t child(uint32_t node, unsigned char byte) const {
    if (node == 0) return root_[byte];
    const uint32_t key = node << 8 | byte;
    for (size_t i = hash(key) & (edges_.size() - 1);; i = (i + 1) & (edges_.size() - 1)) {
      if (edges_[i].child == 0 || edges_[i].key == key) return edges_[i].child;
    }
  }
  uint32_t add_child(uint32_t node, unsigned char byte);
  void rehash(size_t slots);

  std::vector<uint32_t> root_;
  std::vector<Edge> edges_;      // open addressing, at most half full
  std::vector<int32_t> values_;  // by node, -1 where no key ends
};

}  // namespace valence::text
