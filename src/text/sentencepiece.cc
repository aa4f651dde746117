// A SentencePiece model with the ids that transformers gives its pieces, and the special tokens around a
// text.
#include <cfloat>

#include "base/error.h"
#include "text/folder_tokens.h"
#include "text/loaders.h"
#include "text/pipeline_tokenizer.h"
#include "text/sentencepiece_bpe.h"
#include "text/sentencepiece_file.h"
#include "text/sentencepiece_normalizer.h"
#include "text/sentencepiece_stages.h"
#include "text/unigram.h"

namespace valence::text {
namespace {

using Piece = SentencePieceFile::Piece;
using Type = SentencePieceFile::Type;

enum class Layout {
  kPlain,    // the pieces' own ids, nothing around the text
  kDeberta,  // their own ids, [CLS] and [SEP]
  kFairseq,  // XLM-R: <s> <pad> </s> <unk>, then all pieces but the first three, then <mask>
};

Layout choose_layout(const FolderSettings& settings, const std::string& where) {
  std::string name = settings.tokenizer_class();
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  const std::string type = settings.model_type();
  if (name == "XLMRobertaTokenizer") return Layout::kFairseq;
  if (name == "DebertaV2Tokenizer") return Layout::kDeberta;
  if (name.empty() && (type == "xlm-roberta" || type == "xlm-roberta-xl")) return Layout::kFairseq;
  if (name.empty() && type == "deberta-v2") return Layout::kDeberta;
  if (name.empty() && type.empty()) return Layout::kPlain;
  throw Error(ErrorCode::kBadData,
              where + ": SentencePiece models of " + printable(name.empty() ? type : name, 60) +
                  " are not supported, only those of XLM-RoBERTa and DeBERTa v2 and v3; use its "
                  "tokenizer.json");
}

FolderTokens folder_tokens(Layout layout, const FolderSettings& settings) {
  if (layout == Layout::kPlain) return FolderTokens(FolderSettings(), {});
  const bool fairseq = layout == Layout::kFairseq;
  return FolderTokens(settings, {{"bos_token", fairseq ? "<s>" : "[CLS]"},
                                 {"eos_token", fairseq ? "</s>" : "[SEP]"},
                                 {"unk_token", fairseq ? "<unk>" : "[UNK]"},
                                 {"sep_token", fairseq ? "</s>" : "[SEP]"},
                                 {"pad_token", fairseq ? "<pad>" : "[PAD]"},
                                 {"cls_token", fairseq ? "<s>" : "[CLS]"},
                                 {"mask_token", fairseq ? "<mask>" : "[MASK]"}});
}

// The pieces by their final ids.
std::vector<Piece> fairseq_pieces(const SentencePieceFile& file, const std::vector<std::string>& names,
                                  const std::string& where) {
  if (file.pieces.size() < 3 || file.unknown != 0 || file.pieces[1].type != Type::kControl ||
      file.pieces[2].type != Type::kControl) {
    throw Error(ErrorCode::kBadData,
                where + ": expected <unk> <s> </s> as the first pieces of an XLM-R model");
  }
  std::vector<Piece> out;
  for (size_t i = 0; i < 4; ++i) out.push_back({names[i], 0, i == 3 ? Type::kUnknown : Type::kControl});
  out.insert(out.end(), file.pieces.begin() + 3, file.pieces.end());
  out.push_back({names[4], 0, Type::kControl});
  return out;
}

Vocab make_vocab(const std::vector<Piece>& pieces, const std::string& where) {
  Vocab vocab(pieces.size());
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (vocab.add(pieces[id].text, static_cast<int32_t>(id))) continue;
    throw Error(ErrorCode::kBadData, where + ": two tokens are " + printable(pieces[id].text, 60));
  }
  return vocab;
}

// A user-defined piece wins against any segmentation; unused ones are no candidates.
std::unique_ptr<Model> make_unigram(const SentencePieceFile& file, const std::string& where) {
  float lowest = FLT_MAX, highest = FLT_MIN;
  for (const Piece& piece : file.pieces) {
    if (piece.type != Type::kNormal) continue;
    lowest = std::min(lowest, piece.score);
    highest = std::max(highest, piece.score);
  }
  std::vector<Unigram::Entry> entries;
  for (size_t i = 0; i < file.pieces.size(); ++i) {
    const Piece& piece = file.pieces[i];
    const auto id = static_cast<int32_t>(i);
    if (piece.type == Type::kNormal) entries.push_back({id, piece.score});
    if (piece.type != Type::kUserDefined) continue;
    entries.push_back({id, static_cast<float>(piece.text.size()) * highest - 0.1});
  }
  Unigram::Settings settings;
  settings.unknown = static_cast<int32_t>(file.unknown);
  settings.unknown_score = lowest - static_cast<float>(Unigram::kUnknownPenalty);
  settings.byte_fallback = file.byte_fallback;
  settings.flavor = Unigram::Flavor::kSentencePiece;
  return std::make_unique<Unigram>(make_vocab(file.pieces, where), entries, settings, where);
}

std::unique_ptr<Model> make_model(const SentencePieceFile& file, const std::string& where) {
  if (file.kind != SentencePieceFile::Kind::kBpe) return make_unigram(file, where);
  return std::make_unique<SentencePieceBpe>(make_vocab(file.pieces, where), file, where);
}

}  // namespace

SentencePieceStages load_sentencepiece_stages(std::string_view bytes, const std::string& where) {
  const SentencePieceFile file = SentencePieceFile::parse(bytes, where);
  SentencePieceStages stages;
  stages.normalizer = std::make_unique<SentencePieceNormalizer>(file, where);
  stages.model = make_model(file, where);
  stages.unknown = static_cast<int32_t>(file.unknown);
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    if (piece.type == SentencePieceFile::Type::kControl) stages.controls.emplace_back(piece.text);
  }
  return stages;
}

std::unique_ptr<Tokenizer> load_sentencepiece(std::string_view bytes, const std::string& where,
                                              const FolderSettings& settings) {
  SentencePieceFile file = SentencePieceFile::parse(bytes, where);
  const Layout layout = choose_layout(settings, where);
  const FolderTokens tokens = folder_tokens(layout, settings);
  std::vector<std::string> names;
  for (const char* name : {"bos_token", "pad_token", "eos_token", "unk_token", "mask_token"}) {
    names.push_back(tokens.text(name));
  }
  if (layout == Layout::kFairseq) {
    file.pieces = fairseq_pieces(file, names, where);
    file.unknown = 3;
  }
  Stages stages;
  stages.normalizer = std::make_unique<SentencePieceNormalizer>(file, where);
  stages.model = make_model(file, where);
  if (layout != Layout::kPlain) {
    tokens.add_to(stages, where);
    // As transformers 5 does it, XLM-R's text stands between <s> and </s>, whatever cls_token and sep_token
    // are.
    const bool fairseq = layout == Layout::kFairseq;
    const int32_t sep = tokens.id(fairseq ? "eos_token" : "sep_token", stages, where);
    stages.post_processor.add_template({tokens.id(fairseq ? "bos_token" : "cls_token", stages, where)}, {sep},
                                       fairseq ? PairTemplate{{sep, sep}, false} : PairTemplate{{sep}, true});
  }
  return std::make_unique<PipelineTokenizer>(std::move(stages));
}

}  // namespace valence::text
