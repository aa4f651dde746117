// The canonical polarity: where an answer lies between the most negative class (-1) and the most positive
// (1).
#pragma once

#include <span>
#include <string>
#include <vector>

namespace valence::pipeline {

// A place in [-1, 1] for each label of a sentiment model: negative -1, neutral 0, positive 1; with the very
// negative and the very positive beside them plain negative is -0.5 and plain positive 0.5; "1 star" to
// "5 stars" likewise. Empty when one of the labels says nothing about sentiment: nothing is guessed.
std::vector<double> label_polarities(std::span<const std::string> labels);

// The mean place under the probabilities [labels]; NaN when `places` is empty.
double polarity(std::span<const double> places, std::span<const float> probabilities);

}  // namespace valence::pipeline
