// One row of an input, whatever its format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace valence::rows {

// Why a row cannot be used. `reason` is one of a fixed set that scripts may rely on (docs/errors.md):
// empty_text, missing_text, not_text, invalid_encoding, wrong_field_count, unterminated_quote, row_too_long,
// invalid_json, not_an_object, repeated_key, trailing_text, too_deep, unknown_field; the classifier adds
// too_long and not_finite. The message holds nothing of the row's text.
struct Reject {
  std::string reason;
  std::string message;
};

// A part of Row::storage.
struct Span {
  size_t begin = 0, size = 0;
};

struct Row {
  uint64_t line = 0;    // of the file, from 1, on which the row begins
  std::string storage;  // what the spans point into
  // Plain lines: none. CSV and TSV: the value of each column, unquoted. JSON Lines: for each member its key
  // and its value by turns, both as they were written.
  std::vector<Span> fields;
  Span members;   // JSON Lines: all between the braces of the object, as it was written
  Span text;      // what is classified: valid UTF-8, not blank
  Reject reject;  // reason not empty: the row cannot be used, and only `line` counts

  std::string_view view(Span span) const { return std::string_view(storage).substr(span.begin, span.size); }
  std::string_view text_view() const { return view(text); }
  bool rejected() const { return !reject.reason.empty(); }
};

}  // namespace valence::rows
