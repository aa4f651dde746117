#include "text/fast_path.h"

#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "text/bert_classes.h"
#include "text/bpe.h"
#include "text/gpt2_split.h"
#include "text/pipeline_tokenizer.h"
#include "text/space_separated_path.h"
#include "text/word_queue.h"

namespace valence::text {
namespace {

// BERT: white space goes and punctuation stands alone, so between two such ASCII characters lies a word.
// Normalization does not look across them: they are starters that nothing composes with, and stay what they
// are. Other white space and punctuation, ideographs and control characters remain inside a word of this
// kind; the stages cut it further.
class BertPath final : public FastPath {
 public:
  BertPath(const Stages& stages, bool lowercase, EncodeStretch by_stages)
      : model_(*stages.model), lowercase_(lowercase), by_stages_(std::move(by_stages)) {}

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    EachAlone words([this](std::string_view word, std::vector<int32_t>& out) { compute(word, out); });
    WordQueue queue(caches_, text, ids, words);
    size_t open = SIZE_MAX;  // where the word begins that the last block did not end
    for (size_t block = 0; block < text.size(); block += 64) {
      const BertClasses classes = classes_at(text, block);
      uint64_t word = classes.word, alone = classes.alone;
      if (open != SIZE_MAX) {
        const auto more = static_cast<size_t>(std::countr_one(word));
        if (more == 64) continue;
        queue.add(open, block + more);
        open = SIZE_MAX;
        word &= ~uint64_t{0} << more;
      }
      for (uint64_t begins = alone | (word & ~(word << 1)); begins != 0; begins &= begins - 1) {
        const auto begin = static_cast<size_t>(std::countr_zero(begins));
        const size_t length = alone >> begin & 1 ? 1 : static_cast<size_t>(std::countr_one(word >> begin));
        if (begin + length == 64 && !(alone >> 63 & 1)) {
          open = block + begin;
        } else {
          queue.add(block + begin, block + begin + length);
        }
      }
    }
    if (open != SIZE_MAX) queue.add(open, text.size());
    queue.finish();
  }

 private:
  // Of the 64 bytes from `block`; what lies behind the text is white space.
  static BertClasses classes_at(std::string_view text, size_t block) {
    if (block + 64 <= text.size()) return bert_classes(text.data() + block);
    char rest[64];
    std::memset(rest, ' ', sizeof rest);
    std::memcpy(rest, text.data() + block, text.size() - block);
    return bert_classes(rest);
  }

  void compute(std::string_view word, std::vector<int32_t>& ids) const {
    std::string lowered(word);
    for (char& c : lowered) {
      const bool capital = c >= 'A' && c <= 'Z';
      if (!capital && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) return by_stages_(word, ids);
      if (lowercase_ && capital) c = static_cast<char>(c | 32);
    }
    std::vector<Token> tokens;
    model_.tokenize(lowered, tokens);
    for (const Token& token : tokens) ids.push_back(token.id);
  }

  const Model& model_;
  const bool lowercase_;
  const EncodeStretch by_stages_;
  mutable WordCaches caches_;
};

// Byte-level BPE: the pieces of GPT-2's pattern are encoded one by one, byte for byte.
class ByteLevelPath final : public FastPath {
 public:
  ByteLevelPath(const Bpe& bpe, bool add_prefix_space) : bpe_(bpe), add_prefix_space_(add_prefix_space) {}

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    if (!add_prefix_space_ || text.empty() || text.front() == ' ') return encode_pieces(text, ids);
    std::string spaced(1, ' ');
    encode_pieces(spaced.append(text), ids);
  }

 private:
  void encode_pieces(std::string_view text, std::vector<int32_t>& ids) const {
    EachAlone pieces(
        [this](std::string_view piece, std::vector<int32_t>& out) { bpe_.tokenize_bytes(piece, out); });
    WordQueue queue(caches_, text, ids, pieces);
    const Gpt2Splitter splitter{Utf8Source(text)};
    for (size_t at = 0; at < text.size();) {
      const size_t end = splitter.piece_end(at);
      queue.add(at, end);
      at = end;
    }
    queue.finish();
  }

  const Bpe& bpe_;
  const bool add_prefix_space_;
  mutable WordCaches caches_;
};

}  // namespace

std::unique_ptr<FastPath> make_fast_path(const Stages& stages, EncodeStretch by_stages) {
  if (stages.added.has_normalized() && stages.normalizer != nullptr) return nullptr;
  const auto* bert = dynamic_cast<const BertNormalizer*>(stages.normalizer.get());
  if (bert != nullptr && dynamic_cast<const BertPreTokenizer*>(stages.pre_tokenizer.get()) != nullptr) {
    return std::make_unique<BertPath>(stages, bert->settings().lowercase, std::move(by_stages));
  }
  const auto* byte_level = dynamic_cast<const ByteLevel*>(stages.pre_tokenizer.get());
  const auto* bpe = dynamic_cast<const Bpe*>(stages.model.get());
  if (stages.normalizer == nullptr && byte_level != nullptr && byte_level->use_pattern() && bpe != nullptr &&
      bpe->merges_bytes()) {
    return std::make_unique<ByteLevelPath>(*bpe, byte_level->add_prefix_space());
  }
  return make_space_separated_path(stages, std::move(by_stages));
}

}  // namespace valence::text
