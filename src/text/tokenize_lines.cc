#include "text/tokenize_lines.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/utf8.h"
#include "formats/json.h"

namespace valence::text {
namespace {

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

}  // namespace

void tokenize_lines(const Tokenizer& tokenizer, TokenFormat format, int threads, const ReadText& read,
                    const WriteText& write) {
  std::vector<BlockWriter> writers(static_cast<size_t>(std::max(1, threads)), BlockWriter(tokenizer, format));
  for_each_block(threads, read, write, [&](const LineBlock& block, int worker, std::string& out) {
    writers[static_cast<size_t>(worker)].write(block.text, out);
  });
}

}  // namespace valence::text
