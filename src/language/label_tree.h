// The Huffman tree of hierarchical softmax (Mikolov et al. 2013), as fastText builds it from the labels'
// counts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace valence::language {

class LabelTree {
 public:
  LabelTree() = default;
  // `counts` from the most frequent label to the rarest. Errors: kBadData for counts that give no tree.
  LabelTree(std::span<const int64_t> counts, const std::string& name);

  // Nodes above the leaves, children before parents; node i asks row i of the output matrix, and takes
  // `right` with the probability that the logistic function gives. A child below leaves() is a label.
  struct Node {
    uint32_t left = 0, right = 0;
  };
  const std::vector<Node>& nodes() const { return nodes_; }
  size_t leaves() const { return leaves_; }

 private:
  size_t leaves_ = 0;
  std::vector<Node> nodes_;
};

}  // namespace valence::language
