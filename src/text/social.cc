#include "text/social.h"

#include <algorithm>

namespace valence::text {

std::string preprocess_tweet(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (word.size() > 1 && word[0] == '@') {
      out += "@user";
    } else {
      out += word.starts_with("http") ? std::string_view("http") : word;
    }
    if (end < text.size()) out += ' ';
    begin = end + 1;
  }
  return out;
}

}  // namespace valence::text
