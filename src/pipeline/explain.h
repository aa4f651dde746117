// Which words moved an answer. The text is read once more without each of them (occlusion: Zeiler and Fergus,
// 2014), and each of them is read alone: where two words say the same, the text without one of them loses
// nothing. The mean of both is the first and the last term of the Shapley value, which averages over all that
// may stand beside a word.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/classifier.h"
#include "text/segments.h"

namespace valence::pipeline {

// The parts that are left out in turn: the words; of a text with more than `most` of them, runs of words.
std::vector<text::Segment> parts_to_leave_out(std::string_view text, size_t most = 200);

// The text without that part, and without the space behind it.
std::string without(std::string_view text, const text::Segment& part);

struct Attribution {
  text::Segment bytes;
  // This part's share, -1 to 1, of the score of the text's label: a positive one speaks for it. All shares
  // add up to the score less that of a text that says nothing: 1 / labels, 0 where a model gives a single
  // number.
  double weight = 0;
};

// `without` are the results of the text without each part, `alone` of each part alone: half of the loss
// without it and half of the gain by it alone, moved by the same amount for all parts so that they add up. A
// text that has no answer (nothing but this part was in it) says nothing.
std::vector<Attribution> attributions(const Result& whole, std::span<const text::Segment> parts,
                                      std::span<const Result> without, std::span<const Result> alone);

}  // namespace valence::pipeline
