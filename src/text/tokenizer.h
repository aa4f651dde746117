// Text to token ids, the same ids and offsets as Hugging Face tokenizers 0.23 for the same files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_files.h"

namespace valence::text {

// Offsets of a token in the text it came from, in code points, [begin, end); [0, 0] for special tokens.
struct Offset {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool operator==(const Offset&) const = default;
};

struct Encoding {
  std::vector<int32_t> ids;  // special tokens included
  std::vector<Offset> offsets;
};

// How two texts become one input: prefix, the first, `between`, the second, suffix; prefix and suffix are
// those of a single text.
struct PairTemplate {
  std::vector<int32_t> between;
  bool typed = false;  // the second text and the suffix behind it have token type 1, all else 0
  bool operator==(const PairTemplate&) const = default;
};

// Immutable after load; all members may be called from several threads at once.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Reads, in this order: source.spm, target.spm and vocab.json (MarianTokenizer); tokenizer.json; vocab.json
  // + merges.txt; vocab.txt; a SentencePiece model (sentencepiece.bpe.model, spm.model, ...); with
  // tokenizer_config.json, config.json, added_tokens.json and special_tokens_map.json where present. The
  // truncation and padding that a tokenizer.json asks for are ignored. Errors: kBadData naming the file and
  // what is wrong; kUnavailable when there is no tokenizer at all.
  static std::unique_ptr<Tokenizer> load(const formats::ModelFiles& files);
  // A single file: tokenizer.json, vocab.txt or a bare SentencePiece model.
  static std::unique_ptr<Tokenizer> load_file(const std::string& path);

  // Appends the ids of `text` (valid UTF-8) with its special tokens. The hot path.
  virtual void encode(std::string_view text, std::vector<int32_t>& ids) const = 0;
  virtual Encoding encode_with_offsets(std::string_view text) const = 0;

  virtual int32_t vocab_size() const = 0;           // largest id + 1, added tokens included
  virtual std::string token(int32_t id) const = 0;  // "" for an id that does not exist
  // The special tokens around one text: ids before and after it ([CLS] … [SEP]); windows need them.
  virtual std::vector<int32_t> prefix_ids() const = 0;
  virtual std::vector<int32_t> suffix_ids() const = 0;
  // Absent when the tokenizer does not say how it joins two texts.
  virtual std::optional<PairTemplate> pair_template() const = 0;
};

// Copies what Tokenizer::load reads into an existing folder. Errors: kRuntime.
void copy_tokenizer_files(const formats::ModelFiles& files, const std::filesystem::path& folder);

}  // namespace valence::text
