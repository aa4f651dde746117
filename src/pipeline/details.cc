#include "pipeline/details.h"

#include "base/error.h"
#include "base/utf8.h"
#include "formats/json.h"
#include "pipeline/answer_json.h"
#include "pipeline/explain.h"

namespace valence::pipeline {

using formats::append_json_number;
using formats::append_json_string;
using text::Segment;

namespace {

// Turns ascending byte positions of a text into code points or UTF-16 units.
class Offsets {
 public:
  Offsets(std::string_view text, bool utf16) : text_(text), utf16_(utf16) {}
  size_t of(size_t byte) {
    while (at_ < byte) {
      const char32_t c = decode_utf8(text_, at_);
      units_ += utf16_ && c > 0xFFFF && c != kInvalidCodePoint ? 2 : 1;
    }
    return units_;
  }

 private:
  std::string_view text_;
  bool utf16_;
  size_t at_ = 0, units_ = 0;
};

std::string_view cut(std::string_view text, const Segment& segment) {
  return text.substr(segment.begin, segment.end - segment.begin);
}

}  // namespace

DetailPlan::DetailPlan(std::string_view text, const DetailOptions& options) : utf16_(options.utf16) {
  if (options.sentences) sentences_ = text::sentences(text);
  if (options.explain) parts_ = parts_to_leave_out(text);
  bytes_ = (sentences_.empty() ? 0 : text.size()) + (parts_.empty() ? 0 : parts_.size() + 1) * text.size();
}

std::vector<std::string> DetailPlan::texts(std::string_view text) const {
  std::vector<std::string> out;
  out.reserve(count());
  for (const Segment& sentence : sentences_) out.emplace_back(cut(text, sentence));
  for (const Segment& part : parts_) out.push_back(without(text, part));
  for (const Segment& part : parts_) out.emplace_back(cut(text, part));
  return out;
}

std::string DetailPlan::sentences(std::string_view text, const std::vector<std::string>& labels,
                                  std::span<const Result> read) const {
  VALENCE_CHECK(read.size() == count());
  Offsets offsets(text, utf16_);
  std::string out = "[";
  for (size_t k = 0; k < sentences_.size(); ++k) {
    if (!read[k].reject_reason.empty()) continue;
    const size_t begin = offsets.of(sentences_[k].begin), end = offsets.of(sentences_[k].end);
    if (out.size() > 1) out += ',';
    out +=
        "{\"offset\":" + std::to_string(begin) + ",\"length\":" + std::to_string(end - begin) + ",\"text\":";
    append_json_string(out, cut(text, sentences_[k]));
    out += ',';
    append_label(out, labels, read[k]);
    out += '}';
  }
  return out + "]";
}

std::string DetailPlan::explanation(std::string_view text, const Result& whole,
                                    std::span<const Result> read) const {
  VALENCE_CHECK(read.size() == count());
  Offsets offsets(text, utf16_);
  std::string out = "[";
  read = read.subspan(sentences_.size());
  const std::span<const Result> without_each = read.first(parts_.size()), alone = read.last(parts_.size());
  for (const Attribution& part : attributions(whole, parts_, without_each, alone)) {
    if (out.size() > 1) out += ',';
    const size_t begin = offsets.of(part.bytes.begin), end = offsets.of(part.bytes.end);
    out += "{\"begin\":" + std::to_string(begin) + ",\"end\":" + std::to_string(end) + ",\"text\":";
    append_json_string(out, cut(text, part.bytes));
    out += ",\"weight\":";
    append_json_number(out, static_cast<float>(part.weight));
    out += '}';
  }
  return out + "]";
}

}  // namespace valence::pipeline
