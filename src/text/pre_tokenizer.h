// The second stage of a tokenizer: normalized text is cut into pieces that no token crosses.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/aligned_text.h"
#include "text/pattern.h"

namespace valence::text {

// What happens to the matches that cut a text: "the-final--countdown" cut by "-" becomes
//   kRemoved             the final countdown
//   kIsolated            the - final - - countdown
//   kMergedWithPrevious  the- final- - countdown
//   kMergedWithNext      the -final - -countdown
//   kContiguous          the - final -- countdown
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Rewrites all pieces that are text; those that are tokens already are kept.
  virtual void cut(PieceText& text) const = 0;
};

// Cuts by a pattern; `invert` makes the matches the text and the rest the delimiters.
class Split : public PreTokenizer {
 public:
  Split(Matcher matcher, SplitBehavior behavior, bool invert = false)
      : matcher_(std::move(matcher)), behavior_(behavior), invert_(invert) {}
  void cut(PieceText& text) const override;

 private:
  Matcher matcher_;
  SplitBehavior behavior_;
  bool invert_;
};

// White space removed.
class WhitespaceSplit : public Split {
 public:
  WhitespaceSplit();
};

// White space removed, punctuation isolated.
class BertPreTokenizer : public PreTokenizer {
 public:
  BertPreTokenizer();
  void cut(PieceText& text) const override;

 private:
  WhitespaceSplit spaces_;
  Split punctuation_;
};

// GPT-2's pieces, in its byte alphabet.
class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_pattern);
  void cut(PieceText& text) const override;
  bool add_prefix_space() const { return add_prefix_space_; }
  bool use_pattern() const { return use_pattern_; }

 private:
  bool add_prefix_space_, use_pattern_;
  Split split_;
};

// SentencePiece's words: spaces become a visible character (U+2581), which begins each word.
class Metaspace : public PreTokenizer {
 public:
  enum class Prepend { kAlways, kFirst, kNever };
  Metaspace(char32_t replacement, Prepend prepend, bool split);
  void cut(PieceText& text) const override;
  Prepend prepend() const { return prepend_; }

 private:
  char32_t replacement_;
  Prepend prepend_;
  bool split_at_replacement_;
  Split split_;
};

class PreTokenizerSequence : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> steps)
      : steps_(std::move(steps)) {}
  void cut(PieceText& text) const override;
  const std::vector<std::unique_ptr<PreTokenizer>>& steps() const { return steps_; }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

// Cuts [begin, end) of the text by matches (relative to begin), and appends the pieces.
void cut_by_matches(size_t begin, size_t end, const std::vector<Span>& matches, SplitBehavior behavior,
                    bool invert, std::vector<Piece>& pieces);

// From the "pre_tokenizer" of a tokenizer.json; null gives none.
// Errors: kBadData with `where` for an unknown type or a setting that is missing or wrong.
std::unique_ptr<PreTokenizer> parse_pre_tokenizer(const formats::Json* json, const std::string& where);

}  // namespace valence::text
