// The parts of a SentencePiece model, for tokenizers that put something else around them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/model.h"
#include "text/normalizer.h"

namespace valence::text {

// The stages of a SentencePiece model alone, its pieces with their own ids.
struct SentencePieceStages {
  std::unique_ptr<Normalizer> normalizer;
  std::unique_ptr<Model> model;
  int32_t unknown = 0;                // the id of the unknown piece
  std::vector<std::string> controls;  // pieces that stand for nothing in a text
};
SentencePieceStages load_sentencepiece_stages(std::string_view bytes, const std::string& where);

}  // namespace valence::text
