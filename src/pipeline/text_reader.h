// Text to the sequences of tokens that go through the encoder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_files.h"
#include "models/config.h"
#include "pipeline/classifier.h"
#include "text/tokenizer.h"

namespace valence::pipeline {

// A stretch of one input that goes through the encoder as one sequence.
struct Sequence {
  size_t text = 0;     // index of the input
  int64_t begin = 0;   // of its tokens among all ids, special tokens around it aside
  int64_t length = 0;  // special tokens around it aside
  int64_t typed = -1;  // how many of them have token type 0, the others having 1; -1: all of them
};

void reject(Result& result, std::string reason, std::string message);

// Immutable after load; its members may be called from several threads at once.
class TextReader {
 public:
  // Errors: those of Tokenizer::load; kBadData, kBadConfig when tokenizer and model do not fit each other.
  void load(const formats::ModelFiles& files, const models::ModelConfig& config,
            const ClassifierOptions& options);
  // kAuto, which this class cannot know, is decided by the caller.
  void set_social(bool social) { social_ = social; }

  // Appends to `ids` the tokens of one input and to `sequences` how they are read; or says in `result` why
  // the input cannot be used. Errors: kUsage for a pair where the tokenizer does not say how to join two
  // texts.
  void read(const TextPair& input, size_t index, const Reading& reading, std::vector<int32_t>& ids,
            Result& result, std::vector<Sequence>& sequences) const;

  // What stands around every sequence.
  const std::vector<int32_t>& prefix() const { return prefix_; }
  const std::vector<int32_t>& suffix() const { return suffix_; }
  int64_t special() const { return static_cast<int64_t>(prefix_.size() + suffix_.size()); }
  int64_t limit() const { return limit_; }
  bool social() const { return social_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  void read_text(std::string_view text, size_t index, const Reading& reading, std::vector<int32_t>& ids,
                 Result& result, std::vector<Sequence>& sequences) const;
  void read_pair(std::string_view text, std::string_view pair, size_t index, const Reading& reading,
                 std::vector<int32_t>& ids, Result& result, std::vector<Sequence>& sequences) const;
  void encode(std::string_view text, std::vector<int32_t>& ids) const;
  void reject_long(Result& result) const;

  std::unique_ptr<text::Tokenizer> tokenizer_;
  std::string model_;
  std::vector<int32_t> prefix_, suffix_;
  std::optional<text::PairTemplate> joint_;
  int64_t limit_ = 0;  // tokens of the longest input, special tokens included
  LongText long_text_ = LongText::kWindows;
  bool social_ = false, read_blank_ = false;
};

}  // namespace valence::pipeline
