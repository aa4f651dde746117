#include "language/clean_text.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/unicode.h"

namespace valence::language {
namespace {

using text::script_of;
using text::UnicodeTable;

bool is_cjk(Script script) { return script == Script::kHan || script == Script::kKana; }

class Cleaner {
 public:
  Cleaner(std::string_view text, CleanText& out) : text_(text), out_(out) {}

  void run() {
    if (text_.starts_with("RT ")) note(), skip(3);
    bool at_start = true;  // of what white space separates
    while (at_ < text_.size()) {
      if (at_start && skip_address()) continue;
      const size_t before = at_;
      const char32_t c = next();
      at_start = table_.has(c, text::kWhite) || c == U'(' || c == U'"';
      if (table_.has(c, text::kLetter | text::kCombining)) {
        letter(c);
      } else if (word_open_ && joins(c)) {
        // Put in front of the letter behind it.
        joint_ = text_.substr(before, at_ - before);
        continue;
      } else {
        close_word();
        if (c == U'@' || c == U'#') skip_name();
        if (c > 0xFF && table_.has(c, text::kPictographic)) note();
        if (c == U'&') skip_entity();
      }
      joint_ = {};
    }
    close_word();
  }

 private:
  void note() { out_.informal = true; }

  char32_t next() {
    ++code_points_;
    return decode_utf8(text_, at_);
  }

  void skip(size_t bytes) {
    for (const size_t end = at_ + bytes; at_ < end;) next();
  }

  // A link, or anything with an @ inside, up to the next white space. In tweets whose links were replaced,
  // only "http" is left of one.
  bool skip_address() {
    const std::string_view rest = text_.substr(at_, 2048);
    const size_t end = std::min(rest.find_first_of(" \t\r\n"), rest.size());
    const std::string_view token = rest.substr(0, end);
    const bool link = token.starts_with("http://") || token.starts_with("https://") || token == "http" ||
                      token == "https" || token.starts_with("www.");
    const size_t at = token.find('@');
    if (!link && (at == token.npos || at == 0 || token.find('.', at) == token.npos)) return false;
    close_word();
    note();
    skip(end);
    return end > 0;
  }

  void skip_name() {
    while (at_ < text_.size()) {
      size_t after = at_;
      const char32_t c = decode_utf8(text_, after);
      if (c != U'_' && !table_.has(c, text::kLetter | text::kCombining | text::kNumber)) return;
      note();
      next();
    }
  }

  // What HTML writes for signs: &amp; &lt; &#39;
  void skip_entity() {
    const size_t end = text_.substr(at_, 8).find(';');
    if (end == text_.npos) return;
    for (const char c : text_.substr(at_, end)) {
      if (c != '#' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) return;
    }
    skip(end + 1);
  }

  static bool joins(char32_t c) {
    return c == U'\'' || c == U'-' || c == U'\u2019' || c == U'\u200C' || c == U'\u200D';
  }

  void letter(char32_t c) {
    // Letters of mathematics and of full width are read as the plain ones.
    if ((c >= 0x1D400 && c <= 0x1D7FF) || (c >= 0xFF21 && c <= 0xFF5A)) {
      text::MappingScratch scratch;
      c = text::decompose(c, true, scratch).front();
    }
    const Script script = c < 0x80 ? Script::kLatin : script_of(c);
    if (script == Script::kNone && !word_open_) return;  // a mark without a letter, as in emoji
    Word& word = open_word(script);
    if (script == Script::kKana || word.script == Script::kNone) word.script = script;
    word.end = code_points_;
    ++word.letters;
    repeats_ = c == last_ ? repeats_ + 1 : 1;
    last_ = c;
    if (repeats_ > 2) return note();
    out_.text += joint_;
    if (c < 0x80) {
      out_.text += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    } else {
      text::MappingScratch scratch;
      for (const char32_t lower : text::lowercase(c, scratch)) append_utf8(out_.text, lower);
    }
  }

  // The open word if a letter of `script` may go on with it, else a new one.
  Word& open_word(Script script) {
    if (word_open_) {
      const Script open = out_.words.back().script;
      if (script == Script::kNone || open == Script::kNone || open == script ||
          (is_cjk(script) && is_cjk(open))) {
        return out_.words.back();
      }
      close_word();
    }
    joint_ = {};
    if (!out_.text.empty()) out_.text += ' ';
    Word& word = out_.words.emplace_back();
    word.begin = code_points_ - 1;
    word.text_begin = out_.text.size();
    word_open_ = true;
    last_ = 0;
    return word;
  }

  void close_word() {
    if (word_open_) out_.words.back().text_end = out_.text.size();
    word_open_ = false;
  }

  const UnicodeTable& table_ = UnicodeTable::get();
  const std::string_view text_;
  CleanText& out_;
  size_t at_ = 0, code_points_ = 0;
  bool word_open_ = false;
  std::string_view joint_;
  char32_t last_ = 0;
  size_t repeats_ = 0;
};

}  // namespace

void clean_text(std::string_view text, CleanText& out) {
  out.text.clear();
  out.words.clear();
  out.informal = false;
  Cleaner(text, out).run();
}

}  // namespace valence::language
