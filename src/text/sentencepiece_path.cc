#include "text/sentencepiece_path.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "text/pipeline_tokenizer.h"
#include "text/sentencepiece_normalizer.h"
#include "text/unigram.h"
#include "text/word_queue.h"

namespace valence::text {
namespace {

constexpr std::string_view kMark = "\u2581";  // of a space

// SentencePiece segments a text as a whole: it adds up scores in single precision from the first token on,
// and where two segmentations of a word are close, what was added up before decides by its rounding. No token
// crosses a space here, so that sum is all that a word takes over from the words before it. It is carried
// along bit for bit; words that rounding could decide otherwise are never remembered.
class Words {
 public:
  Words(const SentencePieceNormalizer& normalizer, const Unigram& model)
      : normalizer_(normalizer), model_(model) {}

  bool compute(std::string_view word, std::vector<int32_t>& ids) {
    leaves_ = leaves_ || normalizer_.reaches_over_space(word);
    if (leaves_) return false;
    AlignedText text(word);
    normalizer_.normalize(text);
    const std::string piece = to_utf8(text.codes);
    if (piece.empty()) return false;
    bool has_unknown = false;
    sum_ = model_.tokenize_after(sum_, piece, ids, has_unknown);
    return !has_unknown && piece.size() <= kLongestPiece && model_.margin(piece) >= kSafeMargin;
  }

  void known(std::string_view word, std::span<const int32_t> word_ids, std::vector<int32_t>& ids) {
    if (std::fabs(sum_) > kSafeSum) {
      compute(word, ids);
      return;
    }
    for (const int32_t id : word_ids) {
      ids.push_back(id);
      sum_ += model_.score(id);
    }
  }

  // Whether a word turned out to need its neighbours: the ids are then of no use.
  bool leaves() const { return leaves_; }

 private:
  // Up to a sum of 2^14 an addition errs by 2^-11 at most, and a segmentation of 32 bytes has 32 of them: two
  // that lie 2 * 32 * 2^-11 = 0.03 apart keep their order.
  static constexpr size_t kLongestPiece = 32;
  static constexpr float kSafeSum = 8192;
  static constexpr double kSafeMargin = 0.05;

  const SentencePieceNormalizer& normalizer_;
  const Unigram& model_;
  float sum_ = 0;
  bool leaves_ = false;
};

class SentencePiecePath final : public FastPath {
 public:
  SentencePiecePath(const SentencePieceNormalizer& normalizer, const Unigram& model, EncodeStretch by_stages)
      : normalizer_(normalizer), model_(model), by_stages_(std::move(by_stages)) {}

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    if (text.find(kMark) != text.npos) return by_stages_(text, ids);
    const size_t before = ids.size();
    Words words(normalizer_, model_);
    WordQueue queue(caches_, text, ids, words);
    for (size_t begin = 0; begin < text.size() && !words.leaves();) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      if (begin < end) queue.add(begin, end);
      begin = end + 1;
    }
    queue.finish();
    if (!words.leaves()) return;
    ids.resize(before);
    by_stages_(text, ids);
  }

 private:
  const SentencePieceNormalizer& normalizer_;
  const Unigram& model_;
  const EncodeStretch by_stages_;
  mutable WordCaches caches_;
};

}  // namespace

std::unique_ptr<FastPath> make_sentencepiece_path(const Stages& stages, EncodeStretch by_stages) {
  const auto* normalizer = dynamic_cast<const SentencePieceNormalizer*>(stages.normalizer.get());
  const auto* model = dynamic_cast<const Unigram*>(stages.model.get());
  if (normalizer == nullptr || model == nullptr || stages.pre_tokenizer != nullptr) return nullptr;
  if (model->flavor() != Unigram::Flavor::kSentencePiece) return nullptr;
  if (!normalizer->cuts_at_spaces() || !model->cuts_before(kMark)) return nullptr;
  return std::make_unique<SentencePiecePath>(*normalizer, *model, std::move(by_stages));
}

}  // namespace valence::text
