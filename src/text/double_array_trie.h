// A fixed set of byte strings that finds all its members that begin a text, in one walk: the vocabulary of a
// model. A set that grows is a ByteTrie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace valence::text {

// A double array (Aoe 1989): the child of a node by a byte lies at `base ^ byte` and names its parent, so a
// step reads one unit. Nodes near the root lie together.
class DoubleArrayTrie {
 public:
  struct Key {
    std::string_view text;  // not empty
    int32_t value;          // >= 0
  };
  DoubleArrayTrie() : DoubleArrayTrie(std::vector<Key>()) {}
  // Of keys that are equal the last one counts.
  // Errors: kBadData when the keys have more than 2^30 different prefixes.
  explicit DoubleArrayTrie(std::vector<Key> keys);

  // Calls found(length, value) for each key that begins `text`, the shortest first.
  template <typename Function>
  void prefixes(std::string_view text, Function found) const {
    uint32_t node = 0;
    for (size_t at = 0; at < text.size(); ++at) {
      const uint32_t child = units_[node].base ^ static_cast<unsigned char>(text[at]);
      if (units_[child].parent != node) return;
      node = child;
      if (units_[node].value >= 0) found(at + 1, units_[node].value);
    }
  }
  // The length of the longest key that begins `text`; 0 for none.
  size_t longest(std::string_view text) const {
    size_t longest = 0;
    prefixes(text, [&](size_t length, int32_t) { longest = length; });
    return longest;
  }

 private:
  static constexpr uint32_t kNobody = UINT32_MAX;
  struct Unit {
    uint32_t base = 0;
    uint32_t parent = kNobody;  // of a free unit and of the root: nobody
    int32_t value = -1;         // -1 where no key ends
  };
  class Builder;

  std::vector<Unit> units_;
};

}  // namespace valence::text
