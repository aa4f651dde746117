// Where the language changes within a text.
#pragma once

#include <vector>

#include "language/judge.h"

namespace valence::language {

// Runs of words of one script, in order, together all words. A name or a term in another script belongs to
// the run around it. The text has a word.
std::vector<WordRange> runs_of_script(const CleanText& text);

// The parts of a run that fastText sees in different languages: the cheapest path (Viterbi) through those
// that come into question, with a price for every change. Together all of the run.
std::vector<WordRange> cut_run(const Judge& judge, const CleanText& text, const WordSums& sums,
                               WordRange run);

}  // namespace valence::language
