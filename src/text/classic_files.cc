// Vocabularies from before tokenizer.json: vocab.txt (WordPiece), vocab.json with merges.txt (byte-level
// BPE), with the stages that transformers puts around them.
#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "text/bpe.h"
#include "text/folder_tokens.h"
#include "text/json_cursor.h"
#include "text/loaders.h"
#include "text/pipeline_tokenizer.h"
#include "text/wordpiece.h"

namespace valence::text {
namespace {

// Calls line(text) for each line, ended by LF, CRLF or CR as Python reads text files.
template <typename Function>
void each_line(std::string_view text, Function line) {
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    line(text.substr(0, end));
    const bool pair = text.substr(end, 2) == "\r\n";
    text.remove_prefix(std::min(text.size(), end + (pair ? 2 : 1)));
  }
}

void check_utf8(std::string_view text, const std::string& where) {
  if (!is_valid_utf8(text)) throw Error(ErrorCode::kBadData, where + " is not UTF-8");
}

}  // namespace

std::unique_ptr<Tokenizer> load_vocab_txt(std::string_view text, const std::string& where,
                                          const FolderSettings& settings) {
  check_utf8(text, where);
  Vocab vocab(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')));
  int32_t id = 0;
  each_line(text, [&](std::string_view token) {
    if (id > kMaxTokenId) throw Error(ErrorCode::kBadData, where + ": more than 2^24 tokens");
    vocab.add(token, id++);  // of a token that is there twice the later line counts, as in the reference
  });
  Stages stages;
  const bool lowercase = settings.flag("do_lower_case", true);
  stages.normalizer = std::make_unique<BertNormalizer>(
      BertNormalizer::Settings{.clean_text = true,
                               .split_ideographs = settings.flag("tokenize_chinese_chars", true),
                               .strip_accents = settings.flag("strip_accents", lowercase),
                               .lowercase = lowercase});
  stages.pre_tokenizer = std::make_unique<BertPreTokenizer>();
  const FolderTokens tokens(settings, {{"unk_token", "[UNK]"},
                                       {"sep_token", "[SEP]"},
                                       {"pad_token", "[PAD]"},
                                       {"cls_token", "[CLS]"},
                                       {"mask_token", "[MASK]"}});
  WordPiece::Settings model;
  model.unknown = tokens.text("unk_token");
  stages.model = std::make_unique<WordPiece>(std::move(vocab), model, where);
  tokens.add_to(stages, where);
  const int32_t sep = tokens.id("sep_token", stages, where);
  stages.post_processor.add_template({tokens.id("cls_token", stages, where)}, {sep},
                                     PairTemplate{{sep}, true});
  return std::make_unique<PipelineTokenizer>(std::move(stages));
}

Vocab read_vocab_json(std::string_view text, const std::string& where) {
  check_utf8(text, where);
  Vocab vocab;
  JsonCursor cursor(text, where);
  std::string token;
  cursor.object([&](std::string_view key) {
    token = key;
    const auto id = static_cast<int32_t>(cursor.integer(kMaxTokenId));
    if (vocab.has_id(id)) cursor.fail("two tokens have the id " + std::to_string(id));
    if (!vocab.add(token, id)) cursor.fail("the token " + printable(token, 60) + " occurs twice");
  });
  cursor.finish();
  return vocab;
}

namespace {

Bpe::Merges read_merges_txt(std::string_view text, const std::string& where) {
  check_utf8(text, where);
  Bpe::Merges merges;
  size_t number = 0;
  each_line(text, [&](std::string_view line) {
    ++number;
    if (line.empty() || line.starts_with("#version")) return;
    const size_t space = line.find(' ');
    if (space == line.npos || line.find(' ', space + 1) != line.npos) {
      throw Error(ErrorCode::kBadData, where + ", line " + std::to_string(number) +
                                           ": expected two tokens, got " + printable(line, 60));
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  });
  return merges;
}

}  // namespace

std::unique_ptr<Tokenizer> load_vocab_json(std::string_view vocab, std::string_view merges,
                                           const std::string& vocab_where, const std::string& merges_where,
                                           const FolderSettings& settings) {
  Stages stages;
  stages.model = std::make_unique<Bpe>(read_vocab_json(vocab, vocab_where),
                                       read_merges_txt(merges, merges_where), Bpe::Settings{}, merges_where);
  const bool add_prefix_space = settings.flag("add_prefix_space", false);
  stages.pre_tokenizer = std::make_unique<ByteLevel>(add_prefix_space, true);
  const FolderTokens tokens(settings, {{"bos_token", "<s>"},
                                       {"eos_token", "</s>"},
                                       {"unk_token", "<unk>"},
                                       {"sep_token", "</s>"},
                                       {"pad_token", "<pad>"},
                                       {"cls_token", "<s>"},
                                       {"mask_token", "<mask>"}});
  tokens.add_to(stages, vocab_where);
  if (settings.flag("trim_offsets", true)) stages.post_processor.add_trim(add_prefix_space);
  const int32_t sep = tokens.id("sep_token", stages, vocab_where);
  stages.post_processor.add_template({tokens.id("cls_token", stages, vocab_where)}, {sep},
                                     PairTemplate{{sep, sep}, false});
  return std::make_unique<PipelineTokenizer>(std::move(stages));
}

}  // namespace valence::text
