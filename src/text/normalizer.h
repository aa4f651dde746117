// The first stage of a tokenizer: the text is rewritten, and each code point keeps its place in the original.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/aligned_text.h"
#include "text/charsmap.h"
#include "text/pattern.h"

namespace valence::text {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void normalize(AlignedText& text) const = 0;
};

// Original BERT's cleaning: control characters out, white space to spaces, CJK ideographs set apart, accents
// stripped, letters lowered.
class BertNormalizer : public Normalizer {
 public:
  struct Settings {
    bool clean_text = true;
    bool split_ideographs = true;
    bool strip_accents = true;
    bool lowercase = true;
    bool operator==(const Settings&) const = default;
  };
  explicit BertNormalizer(Settings settings) : settings_(settings) {}
  void normalize(AlignedText& text) const override;
  const Settings& settings() const { return settings_; }

 private:
  Settings settings_;
};

// Whether BERT calls a code point a Chinese character (parts of the CJK blocks; no kana, no Hangul).
bool is_bert_ideograph(char32_t c);

// The four normal forms.
class UnicodeForm : public Normalizer {
 public:
  UnicodeForm(bool compatible, bool composed) : compatible_(compatible), composed_(composed) {}
  void normalize(AlignedText& text) const override;
  bool is_nfc() const { return composed_ && !compatible_; }

 private:
  bool compatible_, composed_;
};

class Lowercase : public Normalizer {
 public:
  void normalize(AlignedText& text) const override;
};

class StripAccents : public Normalizer {
 public:
  void normalize(AlignedText& text) const override;
};

class Strip : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void normalize(AlignedText& text) const override;

 private:
  bool left_, right_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::u32string prefix) : prefix_(std::move(prefix)) {}
  void normalize(AlignedText& text) const override;

 private:
  std::u32string prefix_;
};

class Replace : public Normalizer {
 public:
  Replace(Matcher matcher, std::u32string content)
      : matcher_(std::move(matcher)), content_(std::move(content)) {}
  void normalize(AlignedText& text) const override;

 private:
  Matcher matcher_;
  std::u32string content_;
};

// The cleaning of Google's NMT systems.
class Nmt : public Normalizer {
 public:
  void normalize(AlignedText& text) const override;
};

// SentencePiece's map as the reference applies it: to grapheme clusters, by the shortest key.
class Precompiled : public Normalizer {
 public:
  explicit Precompiled(Charsmap map) : map_(std::move(map)) {}
  void normalize(AlignedText& text) const override;
  // Whether a space that is a cluster of its own stays a space.
  bool keeps_spaces() const;

 private:
  void normalize_cluster(std::u32string_view cluster, std::vector<Edit>& edits) const;

  Charsmap map_;
};

// Each byte of the text as its character of GPT-2's alphabet.
class ByteLevelNormalizer : public Normalizer {
 public:
  void normalize(AlignedText& text) const override;
};

class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps) : steps_(std::move(steps)) {}
  void normalize(AlignedText& text) const override;

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

// Puts `prefix` before a text that is not empty; it stands for the same part of the original as the first
// code point.
void prepend(AlignedText& text, std::u32string_view prefix);
// Appends [begin, end) of `text` to `out` in GPT-2's byte alphabet.
void append_bytes(const AlignedText& text, size_t begin, size_t end, AlignedText& out);

// From the "normalizer" of a tokenizer.json; null gives no normalizer.
// Errors: kBadData with `where` for an unknown type or a setting that is missing or wrong.
std::unique_ptr<Normalizer> parse_normalizer(const formats::Json* json, const std::string& where);

}  // namespace valence::text
