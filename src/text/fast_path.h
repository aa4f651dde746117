// Shorter ways from text to ids than the stages of a PipelineTokenizer, for the families that most models
// belong to. A text is cut into words whose ids cannot depend on what stands around them, and what a word
// became is remembered by its bytes; the stages themselves are asked for words not seen lately. So the ids
// are those of the stages by construction, and a test holds them together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace valence::text {

struct Stages;

// Appends the ids of a stretch of text that holds no added token.
using EncodeStretch = std::function<void(std::string_view, std::vector<int32_t>&)>;

class FastPath {
 public:
  virtual ~FastPath() = default;
  // Appends the ids of a stretch of text. May be called from several threads at once.
  virtual void encode(std::string_view text, std::vector<int32_t>& ids) const = 0;
};

// For BERT's normalizer and pre-tokenizer, for byte-level BPE by GPT-2's pattern, Unigram models of
// SentencePiece, and what splits on white space before it marks spaces; null for other stages.
// `by_stages` is the long way. Both must outlive the result.
std::unique_ptr<FastPath> make_fast_path(const Stages& stages, EncodeStretch by_stages);

}  // namespace valence::text
