#include "text/byte_trie.h"

#include <bit>

#include "base/error.h"

namespace valence::text {

ByteTrie::ByteTrie() : root_(256, 0), edges_(64, Edge{0, 0}), values_(1, -1) {}

void ByteTrie::rehash(size_t slots) {
  std::vector<Edge> old(slots, Edge{0, 0});
  old.swap(edges_);
  for (const Edge& edge : old) {
    if (edge.child == 0) continue;
    size_t i = hash(edge.key) & (slots - 1);
    while (edges_[i].child != 0) i = (i + 1) & (slots - 1);
    edges_[i] = edge;
  }
}

uint32_t ByteTrie::add_child(uint32_t node, unsigned char byte) {
  const auto created = static_cast<uint32_t>(values_.size());
  if (created >= 1u << 24) throw Error(ErrorCode::kBadData, "a vocabulary too large for this tokenizer");
  values_.push_back(-1);
  if (node == 0) {
    root_[byte] = created;
    return created;
  }
  if (2 * values_.size() > edges_.size()) rehash(2 * edges_.size());
  const uint32_t key = node << 8 | byte;
  size_t i = hash(key) & (edges_.size() - 1);
  while (edges_[i].child != 0) i = (i + 1) & (edges_.size() - 1);
  edges_[i] = {key, created};
  return created;
}

void ByteTrie::add(std::string_view key, int32_t value) {
  uint32_t node = 0;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    const uint32_t next = child(node, byte);
    node = next != 0 ? next : add_child(node, byte);
  }
  values_[node] = value;
}

}  // namespace valence::text
