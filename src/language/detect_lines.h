// Lines of text to lines of JSON: the work of `valence detect`.
#pragma once

#include <cstdint>
#include <vector>

#include "language/detector.h"
#include "text/line_blocks.h"

namespace valence::language {

// What was left out: lines that are no UTF-8.
struct DetectOutcome {
  uint64_t rejected = 0;
  std::vector<uint64_t> first_rejected;  // the numbers of the first ten
};

// One line of output for each line of input that is valid UTF-8, in order:
// {"line":1,"language":"de","script":"Latn","confidence":0.99,"parts":[{"begin":0,"end":5,"language":"de"}]}
// `all` adds the five best candidates of the model. Errors: those of text::for_each_block.
DetectOutcome detect_lines(const Detector& detector, bool all, int threads, const text::ReadText& read,
                           const text::WriteText& write);

}  // namespace valence::language
