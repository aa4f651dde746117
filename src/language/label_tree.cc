#include "language/label_tree.h"

#include "base/error.h"

namespace valence::language {

// The two rarest of what is left are joined, again and again. Leaves are taken from the end, joined nodes in
// the order they were made, so both queues are sorted.
LabelTree::LabelTree(std::span<const int64_t> counts, const std::string& name) : leaves_(counts.size()) {
  for (size_t i = 0; i + 1 < counts.size(); ++i) {
    if (counts[i] < counts[i + 1]) {
      throw Error(ErrorCode::kBadData, name + " is not a fastText model: label " + std::to_string(i + 1) +
                                           " is more frequent than " + "the one before it");
    }
  }
  std::vector<int64_t> joined;
  size_t leaves = counts.size(), first = 0;
  const auto take_rarest = [&](int64_t& count) -> uint32_t {
    if (leaves > 0 && (first == joined.size() || counts[leaves - 1] < joined[first])) {
      count += counts[--leaves];
      return static_cast<uint32_t>(leaves);
    }
    count += joined[first];
    return static_cast<uint32_t>(leaves_ + first++);
  };
  while (joined.size() + 1 < counts.size()) {
    int64_t count = 0;
    Node node;
    node.left = take_rarest(count);
    node.right = take_rarest(count);
    nodes_.push_back(node);
    joined.push_back(count);
  }
}

}  // namespace valence::language
