// What is said of a text besides its own answer: its sentences, and which words moved it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/classifier.h"
#include "text/segments.h"

namespace valence::pipeline {

struct DetailOptions {
  bool sentences = false, explain = false;
  bool utf16 = false;  // offsets in UTF-16 code units in place of code points
  bool any() const { return sentences || explain; }
};

// The texts that must be read besides: the sentences, then the text without each part, then each part alone.
class DetailPlan {
 public:
  DetailPlan() = default;
  DetailPlan(std::string_view text, const DetailOptions& options);

  size_t count() const { return sentences_.size() + 2 * parts_.size(); }
  // Of all these texts together, before any is made.
  size_t bytes() const { return bytes_; }
  // `text` is the one that the plan was made of.
  std::vector<std::string> texts(std::string_view text) const;

  // JSON lists: [{"offset","length","text","label","score","scores"},...], and
  // [{"begin","end","text","weight"},...]. `read` are the results of texts(), in order; `whole` is that of
  // the text.
  std::string sentences(std::string_view text, const std::vector<std::string>& labels,
                        std::span<const Result> read) const;
  std::string explanation(std::string_view text, const Result& whole, std::span<const Result> read) const;

 private:
  bool utf16_ = false;
  size_t bytes_ = 0;
  std::vector<text::Segment> sentences_, parts_;
};

}  // namespace valence::pipeline
