// The fast path of a Unigram model that comes as a SentencePiece .model.
#pragma once

#include <memory>

#include "text/fast_path.h"

namespace valence::text {

// Null for other stages, and for a model whose tokens may cross a space.
std::unique_ptr<FastPath> make_sentencepiece_path(const Stages& stages, EncodeStretch by_stages);

}  // namespace valence::text
