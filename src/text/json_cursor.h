// A strict JSON reader that walks a document once, for the vocabularies of tokenizers: a tree of 250,000
// pairs would take longer to build than the tokenizer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "formats/json.h"

namespace valence::text {

// Every error is kBadData, naming the file and the byte. Small values are read through formats::Json.
class JsonCursor {
 public:
  // `text` must be valid UTF-8 and live as long as the cursor and the views it returns.
  JsonCursor(std::string_view text, std::string where) : text_(text), where_(std::move(where)) {}

  // Consumes `c`, after white space, if it is next.
  bool accept(char c);
  void expect(char c);
  char peek();  // the next character after white space, 0 at the end
  // A string; the view is valid until the next call of string().
  std::string_view string();
  double number();
  // An integer in [0, limit].
  int64_t integer(int64_t limit);
  // Consumes a value of any kind; returns its text.
  std::string_view skip();
  formats::Json value() { return formats::Json::parse(skip(), where_); }
  // After the document only white space may follow.
  void finish();

  // Calls member(key) for each member of an object; `member` consumes the value and sees to repeated keys.
  template <typename Function>
  void object(Function member);
  template <typename Function>
  void array(Function item);

  [[noreturn]] void fail(const std::string& what) const;
  const std::string& where() const { return where_; }

 private:
  void white();
  void escape();
  char32_t hex4();
  std::string_view number_text();

  std::string_view text_;
  std::string where_;
  size_t at_ = 0;
  std::string unescaped_;
};

template <typename Function>
void JsonCursor::object(Function member) {
  expect('{');
  if (accept('}')) return;
  do {
    const std::string_view key = string();
    expect(':');
    member(key);
  } while (accept(','));
  expect('}');
}

template <typename Function>
void JsonCursor::array(Function item) {
  expect('[');
  if (accept(']')) return;
  do {
    item();
  } while (accept(','));
  expect(']');
}

}  // namespace valence::text
