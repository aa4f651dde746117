#include "text/space_separated_path.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/utf8.h"
#include "text/pipeline_tokenizer.h"
#include "text/sentencepiece_normalizer.h"
#include "text/unicode.h"
#include "text/unigram.h"
#include "text/word_queue.h"

namespace valence::text {
namespace {

constexpr std::string_view kMark = "\u2581";  // of a space

// SentencePiece segments a text as a whole: it adds up scores in single precision from the first token on,
// and where two segmentations of a word are close, what was added up before decides by its rounding. No token
// crosses a space here, so that sum is all that a word takes over from the words before it. A word that is
// segmented gets it bit for bit; words that rounding could decide otherwise are never remembered.
class SentencePieceWords {
 public:
  // `ids` so far are those of other stretches.
  SentencePieceWords(const SentencePieceNormalizer& normalizer, const Unigram& model, size_t ids)
      : normalizer_(normalizer), model_(model), added_(ids) {}

  bool compute(std::string_view word, std::vector<int32_t>& ids) {
    leaves_ = leaves_ || normalizer_.reaches_over_space(word);
    if (leaves_) return false;
    normalizer_.normalize(word, piece_);
    if (piece_.empty()) return false;
    bool has_unknown = false;
    sum_ = model_.tokenize_after(sum_of(ids), piece_, ids, has_unknown);
    added_ = ids.size();
    return !has_unknown && piece_.size() <= kLongestPiece && model_.margin(piece_) >= kSafeMargin;
  }

  void known(std::string_view word, std::span<const int32_t> word_ids, std::vector<int32_t>& ids) {
    const float largest = static_cast<float>(ids.size() - added_) * model_.largest_score();
    if (!(std::fabs(sum_) + largest <= kSafeSum) && std::fabs(sum_of(ids)) > kSafeSum) {
      compute(word, ids);
      return;
    }
    for (const int32_t id : word_ids) ids.push_back(id);
  }

  // Whether a word turned out to need its neighbours; the ids are then of no use.
  bool leaves() const { return leaves_; }

 private:
  // Up to a sum of 2^14 an addition errs by 2^-11 at most, and a segmentation of 32 bytes has 32 of them: two
  // that lie 2 * 32 * 2^-11 = 0.03 apart keep their order.
  static constexpr size_t kLongestPiece = 32;
  static constexpr float kSafeSum = 8192;
  static constexpr double kSafeMargin = 0.05;

  // The scores of known words are added up when the sum is asked for.
  float sum_of(const std::vector<int32_t>& ids) {
    for (; added_ < ids.size(); ++added_) sum_ += model_.score(ids[added_]);
    return sum_;
  }

  const SentencePieceNormalizer& normalizer_;
  const Unigram& model_;
  std::string piece_;
  float sum_ = 0;
  size_t added_;  // ids whose scores are in the sum
  bool leaves_ = false;
};

// The words between the spaces of a text; by the stages when one of them needs its neighbours.
template <typename Words>
void encode_between_spaces(WordCaches& caches, std::string_view text, Words words,
                           const EncodeStretch& by_stages, std::vector<int32_t>& ids) {
  const size_t before = ids.size();
  WordQueue queue(caches, text, ids, words);
  for (size_t begin = 0; begin < text.size() && !words.leaves();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (begin < end) queue.add(begin, end);
    begin = end + 1;
  }
  queue.finish();
  if (!words.leaves()) return;
  ids.resize(before);
  by_stages(text, ids);
}

class SentencePiecePath final : public FastPath {
 public:
  SentencePiecePath(const SentencePieceNormalizer& normalizer, const Unigram& model, EncodeStretch by_stages)
      : normalizer_(normalizer), model_(model), by_stages_(std::move(by_stages)) {}

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    if (text.find(kMark) != text.npos) return by_stages_(text, ids);
    encode_between_spaces(caches_, text, SentencePieceWords(normalizer_, model_, ids.size()), by_stages_,
                          ids);
  }

 private:
  const SentencePieceNormalizer& normalizer_;
  const Unigram& model_;
  const EncodeStretch by_stages_;
  mutable WordCaches caches_;
};

// Words that the stages encode one by one. The normalizer looks at grapheme clusters: a word that begins or
// ends with a code point which clusters with a space needs its neighbours.
class StagedWords {
 public:
  explicit StagedWords(const EncodeStretch& by_stages) : by_stages_(by_stages) {}

  bool compute(std::string_view word, std::vector<int32_t>& ids) {
    leaves_ = leaves_ || clusters_with_spaces(word);
    if (!leaves_) by_stages_(word, ids);
    return !leaves_;
  }
  void known(std::string_view /*word*/, std::span<const int32_t> word_ids, std::vector<int32_t>& ids) {
    for (const int32_t id : word_ids) ids.push_back(id);
  }
  bool leaves() const { return leaves_; }

 private:
  static bool clusters_with_spaces(std::string_view word) {
    GraphemeScanner scanner;
    scanner.boundary_before(U' ');
    for (size_t at = 0; at < word.size();) {
      const bool first = at == 0;
      if (!scanner.boundary_before(decode_utf8(word, at)) && first) return true;
    }
    return !scanner.boundary_before(U' ');
  }

  const EncodeStretch& by_stages_;
  bool leaves_ = false;
};

class WhitespaceSplitPath final : public FastPath {
 public:
  explicit WhitespaceSplitPath(EncodeStretch by_stages) : by_stages_(std::move(by_stages)) {}

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    encode_between_spaces(caches_, text, StagedWords(by_stages_), by_stages_, ids);
  }

 private:
  const EncodeStretch by_stages_;
  mutable WordCaches caches_;
};

bool splits_before_marking(const PreTokenizer* pre_tokenizer) {
  const auto* sequence = dynamic_cast<const PreTokenizerSequence*>(pre_tokenizer);
  if (sequence == nullptr || sequence->steps().size() != 2) return false;
  const auto* split = dynamic_cast<const WhitespaceSplit*>(sequence->steps()[0].get());
  const auto* metaspace = dynamic_cast<const Metaspace*>(sequence->steps()[1].get());
  return split != nullptr && metaspace != nullptr && metaspace->prepend() != Metaspace::Prepend::kFirst;
}

}  // namespace

std::unique_ptr<FastPath> make_space_separated_path(const Stages& stages, EncodeStretch by_stages) {
  const auto* precompiled = dynamic_cast<const Precompiled*>(stages.normalizer.get());
  const bool words_alone =
      stages.normalizer == nullptr || (precompiled != nullptr && precompiled->keeps_spaces());
  if (words_alone && splits_before_marking(stages.pre_tokenizer.get())) {
    return std::make_unique<WhitespaceSplitPath>(std::move(by_stages));
  }
  const auto* normalizer = dynamic_cast<const SentencePieceNormalizer*>(stages.normalizer.get());
  const auto* model = dynamic_cast<const Unigram*>(stages.model.get());
  if (normalizer == nullptr || model == nullptr || stages.pre_tokenizer != nullptr) return nullptr;
  if (model->flavor() != Unigram::Flavor::kSentencePiece) return nullptr;
  if (!normalizer->cuts_at_spaces() || !model->cuts_before(kMark)) return nullptr;
  return std::make_unique<SentencePiecePath>(*normalizer, *model, std::move(by_stages));
}

}  // namespace valence::text
