// The tokenizer of Marian's translation models (OPUS-MT): a SentencePiece model for each side, and one
// vocabulary that gives their pieces other ids than they have there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "formats/model_files.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

namespace valence::text {

class MarianTokenizer : public Tokenizer {
 public:
  // Whether the folder is that of a Marian model, whole or damaged.
  static bool is_in(const formats::ModelFiles& files);
  // Reads source.spm, target.spm and vocab.json (target_vocab.json too where the sides have vocabularies of
  // their own). Errors: kBadData naming the file that is missing or damaged.
  static std::unique_ptr<MarianTokenizer> load(const formats::ModelFiles& files);

  // A leading >>code<<, which names the language to translate into, is one token.
  void encode(std::string_view text, std::vector<int32_t>& ids) const override;
  Encoding encode_with_offsets(std::string_view text) const override;
  int32_t vocab_size() const override { return pieces_->vocab_size(); }
  std::string token(int32_t id) const override { return pieces_->token(id); }
  std::vector<int32_t> prefix_ids() const override { return {}; }
  std::vector<int32_t> suffix_ids() const override { return pieces_->suffix_ids(); }
  std::optional<PairTemplate> pair_template() const override { return std::nullopt; }

  // The text of generated ids, without special tokens.
  std::string decode(std::span<const int32_t> ids) const;

 private:
  MarianTokenizer() = default;
  size_t code_length(std::string_view text) const;
  int32_t code_id(std::string_view code) const;

  std::unique_ptr<Tokenizer> pieces_;       // the text behind the code
  const Vocab* vocab_ = nullptr;            // of the stages in pieces_
  std::vector<std::string> specials_;       // that are found in a text
  std::unordered_set<int32_t> silent_;      // ids that stand for no text
  std::vector<std::string> target_pieces_;  // by id
  int32_t unknown_ = 0;
};

}  // namespace valence::text
