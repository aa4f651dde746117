// Which language a text is in, and which parts of it are in which, for texts as people write them.
//
// Two models of letters, fastText's lid.176 and CLD2, are asked about the words alone (clean_text.h). Only
// languages that are written in the text's script come into question. Where neither the script nor the models
// give ground for an answer, it is "und".
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace valence::language {

struct Part {
  size_t begin = 0, end = 0;  // code points
  std::string language;
  bool operator==(const Part&) const = default;
};

struct Detection {
  std::string language = "und";  // ISO 639, as in lid.176; of a text in parts that of most letters
  std::string script = "Zyyy";   // ISO 15924, of most letters
  double confidence = 0;         // 0 to 1
  std::vector<Part> parts;       // in order, without overlap; a text in one language has one, "und" none
};

struct LanguageScore {
  std::string language;
  double confidence = 0;
};

// Any number of threads may share one.
class Detector {
 public:
  // Reads a .bin or .ftz of fastText. Errors: kNoInput, kBadData.
  static Detector load(const std::filesystem::path& path);
  // lid.176.ftz as it is part of the program (models/language).
  static Detector embedded();
  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;
  ~Detector();

  // `text` is valid UTF-8.
  Detection detect(std::string_view text) const;

  // The model's own values for the raw text, best first: what fastText answers.
  std::vector<LanguageScore> candidates(std::string_view text, size_t count) const;

 private:
  class Impl;
  explicit Detector(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace valence::language
