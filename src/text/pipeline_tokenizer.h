// A tokenizer put together from its stages, as a tokenizer.json describes it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/added_tokens.h"
#include "text/fast_path.h"
#include "text/model.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"

namespace valence::text {

struct Stages {
  std::unique_ptr<Normalizer> normalizer;       // may be null
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // may be null
  std::unique_ptr<Model> model;
  AddedTokens added;
  PostProcessor post_processor;
};

class PipelineTokenizer : public Tokenizer {
 public:
  explicit PipelineTokenizer(Stages stages);

  void encode(std::string_view text, std::vector<int32_t>& ids) const override;
  Encoding encode_with_offsets(std::string_view text) const override;
  int32_t vocab_size() const override;
  std::string token(int32_t id) const override;
  std::vector<int32_t> prefix_ids() const override { return stages_.post_processor.prefix(); }
  std::vector<int32_t> suffix_ids() const override { return stages_.post_processor.suffix(); }
  std::optional<PairTemplate> pair_template() const override { return stages_.post_processor.pair(); }

 private:
  // A part of the text between the added tokens of the raw kind, `first` code points into it.
  void place_segment(std::string_view segment, uint32_t first, std::vector<PlacedToken>& tokens) const;
  void place_pieces(const PieceText& text, std::vector<PlacedToken>& tokens) const;
  PlacedToken placed(const AlignedText& text, size_t begin, size_t end, int32_t id) const;
  std::vector<PlacedToken> place(std::string_view text) const;
  // `first`: the segment begins the text.
  void encode_segment(std::string_view segment, bool first, std::vector<int32_t>& ids) const;
  void encode_by_stages(std::string_view segment, bool first, std::vector<int32_t>& ids) const;

  Stages stages_;
  std::unique_ptr<FastPath> fast_path_;
};

}  // namespace valence::text
