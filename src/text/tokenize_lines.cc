#include "text/tokenize_lines.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "formats/json.h"

namespace valence::text {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;  // of whole lines, the work of one thread at a time
constexpr size_t kBlocksPerThread = 4;
constexpr size_t kLongestLine = size_t{128} << 20;

template <typename Integer>
void append_number(std::string& out, Integer value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

std::string replace_invalid(std::string_view line) {
  std::string out;
  for (size_t at = 0; at < line.size();) {
    const char32_t c = decode_utf8(line, at);
    append_utf8(out, c == kInvalidCodePoint ? U'\uFFFD' : c);
  }
  return out;
}

// Tokenizes the lines of one block; the buffers are kept from one to the next.
class BlockWriter {
 public:
  BlockWriter(const Tokenizer& tokenizer, TokenFormat format) : tokenizer_(tokenizer), format_(format) {}

  void write(std::string_view block, std::string& out) {
    while (!block.empty()) {
      const size_t end = std::min(block.find('\n'), block.size());
      std::string_view line = block.substr(0, end);
      if (end < block.size() && line.ends_with('\r')) line.remove_suffix(1);
      if (is_valid_utf8(line)) {
        write_line(line, out);
      } else {
        write_line(replace_invalid(line), out);
      }
      out += '\n';
      block.remove_prefix(std::min(end + 1, block.size()));
    }
  }

 private:
  void write_line(std::string_view line, std::string& out) {
    if (format_ == TokenFormat::kJson) return write_json(tokenizer_.encode_with_offsets(line), out);
    ids_.clear();
    tokenizer_.encode(line, ids_);
    if (format_ == TokenFormat::kCount) return append_number(out, ids_.size());
    for (const int32_t id : ids_) {
      append_number(out, id);
      out += ' ';
    }
    if (!ids_.empty()) out.pop_back();
  }

  void write_json(const Encoding& encoding, std::string& out) const {
    out += "{\"ids\":[";
    each(encoding.ids, out, [&](int32_t id) { append_number(out, id); });
    out += "],\"tokens\":[";
    each(encoding.ids, out, [&](int32_t id) { formats::append_json_string(out, tokenizer_.token(id)); });
    out += "],\"offsets\":[";
    each(encoding.offsets, out, [&](const Offset& offset) {
      out += '[';
      append_number(out, offset.begin);
      out += ',';
      append_number(out, offset.end);
      out += ']';
    });
    out += "]}";
  }

  template <typename Item, typename Function>
  static void each(const std::vector<Item>& items, std::string& out, Function append) {
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ',';
      append(items[i]);
    }
  }

  const Tokenizer& tokenizer_;
  const TokenFormat format_;
  std::vector<int32_t> ids_;
};

// Cuts `text` behind line ends into blocks of about kBlockBytes; what is behind the last line end stays out
// unless the text is at its end. Returns how much of the text the blocks cover.
size_t cut_blocks(std::string_view text, bool at_end, std::vector<std::string_view>& blocks) {
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
    blocks.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return begin;
}

}  // namespace

void tokenize_lines(const Tokenizer& tokenizer, TokenFormat format, int threads, const ReadText& read,
                    const WriteText& write) {
  ThreadPool pool(std::max(1, threads));
  std::vector<BlockWriter> writers(static_cast<size_t>(pool.size()), BlockWriter(tokenizer, format));
  const size_t batch_bytes = kBlockBytes * kBlocksPerThread * writers.size();
  std::string text;
  std::vector<std::string_view> blocks;
  std::vector<std::string> outputs;
  size_t wanted = batch_bytes;
  for (bool more = true; more || !text.empty();) {
    check_interrupt();
    while (more && text.size() < wanted) more = read(text);
    blocks.clear();
    const size_t used = cut_blocks(text, !more, blocks);
    if (used == 0 && text.size() > kLongestLine) {
      throw Error(ErrorCode::kBadData, "a line of the input is longer than 128 MiB");
    }
    outputs.resize(std::max(outputs.size(), blocks.size()));
    pool.run(blocks.size(), [&](size_t index, int worker) {
      outputs[index].clear();
      writers[static_cast<size_t>(worker)].write(blocks[index], outputs[index]);
    });
    for (size_t i = 0; i < blocks.size(); ++i) write(outputs[i]);
    text.erase(0, used);
    wanted = used > 0 ? batch_bytes : 2 * text.size();  // a line longer than the batch
  }
}

}  // namespace valence::text
