// A tokenizer of which a test knows every token: each byte is one, between a first and a last.
#pragma once

#include "text/tokenizer.h"

namespace valence::train {

class LetterTokenizer : public text::Tokenizer {
 public:
  static constexpr int32_t kFirst = 256, kLast = 257;
  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    ids.push_back(kFirst);
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    ids.push_back(kLast);
  }
  text::Encoding encode_with_offsets(std::string_view text) const override {
    text::Encoding out;
    encode(text, out.ids);
    return out;
  }
  int32_t vocab_size() const override { return 258; }
  std::string token(int32_t) const override { return ""; }
  std::vector<int32_t> prefix_ids() const override { return {kFirst}; }
  std::vector<int32_t> suffix_ids() const override { return {kLast}; }
  std::optional<text::PairTemplate> pair_template() const override { return {}; }
};

}  // namespace valence::train
