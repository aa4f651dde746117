// Sentences and words of a text, for people: where a result is shown sentence by sentence, and which words
// counted. Without a dictionary of any language.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace valence::text {

// Bytes [begin, end) of the text.
struct Segment {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const Segment&) const = default;
};

// Sentences in order, without the white space around them; between two lies white space or nothing. `text` is
// valid UTF-8. A sentence ends behind a mark of any script that ends one, with the quotes and brackets that
// close behind it, where white space follows (after a full-width mark at once), and at an empty line. No end
// is a full stop behind an initial or a common abbreviation, or before a small letter. A stretch without a
// letter, a number or an emoji belongs to the sentence before it.
std::vector<Segment> sentences(std::string_view text);

// Words in order: runs of letters, digits and marks with the apostrophes and hyphens inside, each emoji (all
// its code points), each ideograph. What lies between is in no word. A script without spaces between words
// (Thai, Lao, Khmer, Burmese) gives its whole run.
std::vector<Segment> words(std::string_view text);

}  // namespace valence::text
