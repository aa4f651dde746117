// The lines of an input in blocks that threads work on, with the results in the order of the lines.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace valence::text {

// Appends some bytes of the input; false at its end.
using ReadText = std::function<bool(std::string& out)>;
using WriteText = std::function<void(std::string_view)>;

// Whole lines, each with its LF; the last one of the input needs none.
struct LineBlock {
  std::string_view text;
  uint64_t first_line = 1;  // number of its first line
};

// Appends to `out` what is to be written for the block. `worker` is less than `threads` and works on one
// block at a time.
using BlockWork = std::function<void(const LineBlock& block, int worker, std::string& out)>;

// Memory does not grow with the input, only with its longest line. Errors: those of `read`, `write` and
// `work`; kBadData for a line of more than 128 MiB; kInterrupted.
void for_each_block(int threads, const ReadText& read, const WriteText& write, const BlockWork& work);

}  // namespace valence::text
