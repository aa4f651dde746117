// Texts to their translations by a Marian model: tokenize, encode, search, read, judge. Many texts are
// decoded side by side; one that is done makes room for the next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "formats/model_files.h"
#include "pipeline/translation_guard.h"

namespace valence::pipeline {

struct Translation {
  std::string text;
  std::vector<int32_t> ids;  // without the start token, with the end token where one was generated
  TranslationStatus status = TranslationStatus::kOk;
};

struct TranslatorOptions {
  std::optional<backend::WeightType> type;  // absent: as the checkpoint stores its matrices
  std::optional<int> beams;                 // these two: as the model's configuration says
  std::optional<int64_t> max_length;        // tokens, the start token included
};

class Translator {
 public:
  // Errors: kBadData and kBadConfig naming the file; kBadConfig for a folder that holds another kind of
  // model.
  static std::unique_ptr<Translator> load(const formats::ModelFiles& files, const TranslatorOptions& options);
  ~Translator();

  // One translation for each text, in order. A blank text has an empty one. The same text gets the same one
  // whatever stands beside it. Errors: kInterrupted.
  std::vector<Translation> translate(std::span<const std::string> texts, int threads) const;

 private:
  struct Model;
  class Worker;
  explicit Translator(std::unique_ptr<Model> model);

  std::unique_ptr<Model> model_;
};

}  // namespace valence::pipeline
