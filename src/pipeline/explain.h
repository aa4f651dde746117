// Which words moved an answer, by occlusion (Zeiler and Fergus, 2014): the text is read once more without
// each of them.
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
  // How much the score of the text's label falls without this part, -1 to 1: a positive one speaks for it.
  double weight = 0;
};

// `reduced` are the results of the text without each part. A reduced text that has no answer (nothing but
// this part was in it) leaves a score of 1 / labels.
std::vector<Attribution> attributions(const Result& whole, std::span<const text::Segment> parts,
                                      std::span<const Result> reduced);

}  // namespace valence::pipeline
