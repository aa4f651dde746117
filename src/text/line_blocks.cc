#include "text/line_blocks.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/threads.h"

namespace valence::text {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;  // of whole lines, the work of one thread at a time
constexpr size_t kBlocksPerThread = 4;
constexpr size_t kLongestLine = size_t{128} << 20;

// Cuts `text` behind line ends into blocks of about kBlockBytes; what is behind the last line end stays out
// unless the text is at its end. Returns how much of the text the blocks cover.
// `line` is the number of the first line, then of the one behind the blocks.
size_t cut_blocks(std::string_view text, bool at_end, uint64_t& line, std::vector<LineBlock>& blocks) {
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = std::min(begin + kBlockBytes, text.size());
    const size_t back = end > begin ? text.substr(begin, end - begin).rfind('\n') : text.npos;
    if (back != text.npos) {
      end = begin + back + 1;
    } else {
      const size_t line_end = text.find('\n', end);
      if (line_end == text.npos && !at_end) break;
      end = line_end == text.npos ? text.size() : line_end + 1;
    }
    blocks.push_back({text.substr(begin, end - begin), line});
    line += static_cast<uint64_t>(std::count(text.begin() + static_cast<ptrdiff_t>(begin),
                                             text.begin() + static_cast<ptrdiff_t>(end), '\n'));
    begin = end;
  }
  return begin;
}

}  // namespace

void for_each_block(int threads, const ReadText& read, const WriteText& write, const BlockWork& work) {
  ThreadPool pool(std::max(1, threads));
  const size_t batch_bytes = kBlockBytes * kBlocksPerThread * static_cast<size_t>(pool.size());
  std::string text;
  std::vector<LineBlock> blocks;
  std::vector<std::string> outputs;
  uint64_t line = 1;
  size_t wanted = batch_bytes;
  for (bool more = true; more || !text.empty();) {
    check_interrupt();
    while (more && text.size() < wanted) more = read(text);
    blocks.clear();
    const size_t used = cut_blocks(text, !more, line, blocks);
    if (used == 0 && text.size() > kLongestLine) {
      throw Error(ErrorCode::kBadData, "a line of the input is longer than 128 MiB");
    }
    outputs.resize(std::max(outputs.size(), blocks.size()));
    pool.run(blocks.size(), [&](size_t index, int worker) {
      outputs[index].clear();
      work(blocks[index], worker, outputs[index]);
    });
    for (size_t i = 0; i < blocks.size(); ++i) write(outputs[i]);
    text.erase(0, used);
    wanted = used > 0 ? batch_bytes : 2 * text.size();  // a line longer than the batch
  }
}

}  // namespace valence::text
