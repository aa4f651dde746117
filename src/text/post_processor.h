// The last touches: offsets without white space, special tokens around the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/json.h"
#include "text/tokenizer.h"

namespace valence::text {

// A token with what trimming has to know of its text: the white space around it, in code points.
struct PlacedToken {
  int32_t id;
  Offset offset;
  uint32_t leading = 0, trailing = 0;
};

class PostProcessor {
 public:
  // Puts ids before and after the text; steps act in the order in which they are added.
  // `pair` is how the same step joins two texts, if it can.
  void add_template(std::vector<int32_t> before, std::vector<int32_t> after,
                    std::optional<PairTemplate> pair = std::nullopt);
  // Takes white space out of the offsets; with `add_prefix_space` the one space that was put before the first
  // token is not counted.
  void add_trim(bool add_prefix_space);

  bool trims() const;
  void process(std::vector<PlacedToken>& tokens) const;
  const std::vector<int32_t>& prefix() const { return prefix_; }
  const std::vector<int32_t>& suffix() const { return suffix_; }
  // Absent without a step that can, and when several steps put ids around a text.
  const std::optional<PairTemplate>& pair() const { return pair_; }

 private:
  struct Step {
    bool trim = false;
    bool add_prefix_space = false;
    std::vector<int32_t> before, after;
  };
  std::vector<Step> steps_;
  std::vector<int32_t> prefix_, suffix_;  // of all steps
  std::optional<PairTemplate> pair_;
  int templates_ = 0;
};

// From the "post_processor" of a tokenizer.json; null does nothing.
// Errors: kBadData with `where` for an unknown type, a setting that is missing or wrong, or a template that
// does not hold the text exactly once.
PostProcessor parse_post_processor(const formats::Json* json, const std::string& where);

}  // namespace valence::text
