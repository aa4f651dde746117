#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "text/loaders.h"
#include "text/marian_tokenizer.h"

namespace valence::text {
namespace {

using formats::ModelFiles;

// The one SentencePiece model of a folder; "" when there is none.
std::string sentencepiece_file(const ModelFiles& files) {
  for (const char* name : {"sentencepiece.bpe.model", "spm.model", "spiece.model", "tokenizer.model"}) {
    if (files.has(name)) return name;
  }
  std::string found;
  for (const std::string& name : files.names()) {
    if (!name.ends_with(".model")) continue;
    if (!found.empty())
      throw Error(ErrorCode::kBadData, printable(files.name()) + " has several .model files");
    found = name;
  }
  return found;
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::load(const ModelFiles& files) {
  if (MarianTokenizer::is_in(files)) return MarianTokenizer::load(files);
  if (files.has("tokenizer.json")) {
    return load_tokenizer_json(files.open("tokenizer.json")->text(), files.describe("tokenizer.json"));
  }
  const FolderSettings settings = FolderSettings::read(files);
  if (files.has("vocab.json") && files.has("merges.txt")) {
    return load_vocab_json(files.open("vocab.json")->text(), files.open("merges.txt")->text(),
                           files.describe("vocab.json"), files.describe("merges.txt"), settings);
  }
  if (files.has("vocab.txt")) {
    return load_vocab_txt(files.open("vocab.txt")->text(), files.describe("vocab.txt"), settings);
  }
  if (const std::string name = sentencepiece_file(files); !name.empty()) {
    return load_sentencepiece(files.open(name)->text(), files.describe(name), settings);
  }
  throw Error(ErrorCode::kUnavailable,
              printable(files.name()) +
                  " has no tokenizer: expected tokenizer.json, vocab.json with merges.txt, "
                  "vocab.txt or a SentencePiece .model");
}

std::unique_ptr<Tokenizer> Tokenizer::load_file(const std::string& path) {
  const auto bytes = map_file(path);
  const std::string where = printable(path);
  if (path.ends_with(".json")) return load_tokenizer_json(bytes->text(), where);
  if (path.ends_with(".txt")) return load_vocab_txt(bytes->text(), where, FolderSettings());
  return load_sentencepiece(bytes->text(), where, FolderSettings());
}

void copy_tokenizer_files(const ModelFiles& files, const std::filesystem::path& folder) {
  std::vector<std::string> names = {
      "tokenizer.json",         "tokenizer_config.json",   "vocab.json", "merges.txt", "vocab.txt",
      "added_tokens.json",      "special_tokens_map.json", "source.spm", "target.spm", "target_vocab.json",
      sentencepiece_file(files)};
  for (const std::string& name : names) {
    if (name.empty() || !files.has(name)) continue;
    AtomicFile file(folder / name);
    file.write(files.open(name)->bytes());
    file.commit();
  }
}

}  // namespace valence::text
