#include "text/marian_tokenizer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "text/loaders.h"
#include "text/pipeline_tokenizer.h"
#include "text/sentencepiece_stages.h"

namespace valence::text {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";

// A SentencePiece model whose tokens get the ids of another vocabulary.
class RenumberedModel : public Model {
 public:
  RenumberedModel(std::unique_ptr<Model> pieces, int32_t unknown_piece, Vocab vocab, int32_t unknown)
      : pieces_(std::move(pieces)),
        unknown_piece_(unknown_piece),
        vocab_(std::move(vocab)),
        unknown_(unknown),
        ids_(static_cast<size_t>(pieces_->vocab().end_id())) {
    for (size_t piece = 0; piece < ids_.size(); ++piece) {
      ids_[piece] = find(pieces_->vocab().token(static_cast<int32_t>(piece)));
    }
  }

  void tokenize(std::string_view piece, std::vector<Token>& tokens) const override {
    const size_t first = tokens.size();
    pieces_->tokenize(piece, tokens);
    for (size_t k = first; k < tokens.size(); ++k) {
      Token& token = tokens[k];
      // What the model does not know it hands on as it is, and the vocabulary may know it.
      token.id = token.id == unknown_piece_ ? find(piece.substr(token.begin, token.end - token.begin))
                                            : ids_[static_cast<size_t>(token.id)];
    }
  }
  const Vocab& vocab() const override { return vocab_; }

 private:
  int32_t find(std::string_view piece) const {
    const int32_t id = vocab_.find(piece);
    return id < 0 ? unknown_ : id;
  }

  std::unique_ptr<Model> pieces_;
  int32_t unknown_piece_;
  Vocab vocab_;
  int32_t unknown_;
  std::vector<int32_t> ids_;  // by piece
};

Vocab read_vocab(const formats::ModelFiles& files, const char* name) {
  return read_vocab_json(files.open(name)->text(), files.describe(name));
}

SentencePieceStages read_pieces(const formats::ModelFiles& files, const char* name) {
  return load_sentencepiece_stages(files.open(name)->text(), files.describe(name));
}

// A special token's text: as tokenizer_config.json or special_tokens_map.json have it.
std::string special(const FolderSettings& settings, std::string_view name, const char* otherwise) {
  for (const formats::Json* file : {&settings.special_tokens_map, &settings.tokenizer_config}) {
    const formats::Json* found = file->get(name);
    if (found != nullptr && found->is_object()) found = found->get("content");
    if (found != nullptr && found->is_string()) return found->as_string(std::string(name));
  }
  return otherwise;
}

// Without white space at both ends, as Python strips a text.
std::string_view stripped(std::string_view text) {
  size_t begin = text.size(), end = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = decode_utf8(text, at);
    if (c != kInvalidCodePoint && is_blank(text.substr(start, at - start))) continue;
    begin = std::min(begin, start);
    end = at;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

}  // namespace

bool MarianTokenizer::is_in(const formats::ModelFiles& files) {
  if (files.has("source.spm")) return true;
  if (files.has("tokenizer.json") || files.has("vocab.txt") || files.has("merges.txt")) return false;
  return files.has("target.spm") || FolderSettings::read(files).model_type() == "marian";
}

std::unique_ptr<MarianTokenizer> MarianTokenizer::load(const formats::ModelFiles& files) {
  const FolderSettings settings = FolderSettings::read(files);
  SentencePieceStages source = read_pieces(files, "source.spm");
  const SentencePieceStages target = read_pieces(files, "target.spm");
  Vocab vocab = read_vocab(files, "vocab.json");
  const std::string where = files.describe("vocab.json");
  const std::string unknown_text = special(settings, "unk_token", "<unk>");
  const int32_t unknown = vocab.find(unknown_text);
  if (unknown < 0) throw Error(ErrorCode::kBadData, where + " has no " + printable(unknown_text));

  std::unique_ptr<MarianTokenizer> out(new MarianTokenizer);
  out->unknown_ = unknown;
  const bool separate = settings.flag("separate_vocabs", false);
  const Vocab target_vocab = separate ? read_vocab(files, "target_vocab.json") : Vocab();
  const Vocab& spoken = separate ? target_vocab : vocab;
  for (int32_t id = 0; id < spoken.end_id(); ++id) out->target_pieces_.emplace_back(spoken.token(id));
  const auto silence = [&](const std::string& token) {
    if (const int32_t id = spoken.find(token); id >= 0) out->silent_.insert(id);
  };
  for (const std::string& control : target.controls) silence(control);
  const std::string end = special(settings, "eos_token", "</s>");
  const std::array tokens = {end, unknown_text, special(settings, "pad_token", "<pad>")};
  for (const std::string& token : tokens) silence(token);
  const int32_t end_id = vocab.find(end);

  Stages stages;
  stages.normalizer = std::move(source.normalizer);
  stages.model =
      std::make_unique<RenumberedModel>(std::move(source.model), source.unknown, std::move(vocab), unknown);
  for (const std::string& token : tokens) {
    if (stages.model->vocab().find(token) < 0 || stages.added.id(token)) continue;
    stages.added.add({.content = token, .special = true}, *stages.model, stages.normalizer.get(), where);
    out->specials_.push_back(token);
  }
  out->vocab_ = &stages.model->vocab();
  stages.post_processor.add_template({}, {end_id < 0 ? unknown : end_id});
  out->pieces_ = std::make_unique<PipelineTokenizer>(std::move(stages));
  return out;
}

// Bytes of a leading >>code<<, 0 without one.
size_t MarianTokenizer::code_length(std::string_view text) const {
  if (!text.starts_with(">>")) return 0;
  const size_t end = text.find("<<");
  if (end == text.npos) return 0;
  const std::string_view code = text.substr(0, end + 2);
  const bool cut =
      std::ranges::any_of(specials_, [&](const std::string& token) { return code.find(token) != code.npos; });
  return cut ? 0 : code.size();
}

int32_t MarianTokenizer::code_id(std::string_view code) const {
  const int32_t id = vocab_->find(code);
  return id < 0 ? unknown_ : id;
}

void MarianTokenizer::encode(std::string_view text, std::vector<int32_t>& ids) const {
  const size_t code = code_length(text);
  if (code > 0) ids.push_back(code_id(text.substr(0, code)));
  pieces_->encode(text.substr(code), ids);
}

Encoding MarianTokenizer::encode_with_offsets(std::string_view text) const {
  const size_t code = code_length(text);
  Encoding encoding = pieces_->encode_with_offsets(text.substr(code));
  uint32_t codes = 0;
  for (size_t at = 0; at < code; ++codes) decode_utf8(text, at);
  // Tokens that share a code point, as the mark of a space does with what follows: the last one has it.
  uint32_t next = UINT32_MAX;
  for (size_t k = encoding.ids.size() - pieces_->suffix_ids().size(); k-- > 0;) {
    Offset& offset = encoding.offsets[k];
    offset.end = std::min(offset.end + codes, next);
    offset.begin = std::min(offset.begin + codes, offset.end);
    next = offset.begin;
  }
  if (code == 0) return encoding;
  encoding.ids.insert(encoding.ids.begin(), code_id(text.substr(0, code)));
  encoding.offsets.insert(encoding.offsets.begin(), {0, codes});
  return encoding;
}

std::string MarianTokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) {
    if (id < 0 || static_cast<size_t>(id) >= target_pieces_.size() || silent_.contains(id)) continue;
    std::string_view piece = target_pieces_[static_cast<size_t>(id)];
    for (size_t mark; (mark = piece.find(kSpaceMark)) != piece.npos;) {
      text.append(piece.substr(0, mark)) += ' ';
      piece.remove_prefix(mark + kSpaceMark.size());
    }
    text += piece;
  }
  return std::string(stripped(text));
}

}  // namespace valence::text
