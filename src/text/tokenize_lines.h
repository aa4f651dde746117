// Lines of text to lines of tokens: the work of `valence tokenize`.
#pragma once

#include "text/line_blocks.h"
#include "text/tokenizer.h"

namespace valence::text {

enum class TokenFormat {
  kJson,   // {"ids":[101,…],"tokens":["[CLS]",…],"offsets":[[0,0],…]}
  kIds,    // 101 2023 102
  kCount,  // 3
};

// One line of output for each line of input, in order. A line ends at LF or CRLF; the last one needs no end.
// An invalid byte counts as U+FFFD. Memory does not grow with the input, only with its longest line.
// Errors: those of `read` and `write`; kBadData for a line of more than 128 MiB; kInterrupted.
void tokenize_lines(const Tokenizer& tokenizer, TokenFormat format, int threads, const ReadText& read,
                    const WriteText& write);

}  // namespace valence::text
