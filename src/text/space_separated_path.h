// The fast path of tokenizers whose words are what stands between spaces.
#pragma once

#include <memory>

#include "text/fast_path.h"

namespace valence::text {

// For Unigram models that come as a SentencePiece .model, and for any model of a tokenizer.json that splits
// on white space before it marks the spaces. Null for other stages, and for a model whose tokens may cross a
// space.
std::unique_ptr<FastPath> make_space_separated_path(const Stages& stages, EncodeStretch by_stages);

}  // namespace valence::text
