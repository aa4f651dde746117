// One line of JSON Lines: checked strictly in one pass, its members found without being changed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rows/row.h"

namespace valence::rows {

constexpr size_t kMaxJsonDepth = 512;

// What scan_json_object finds in a line; spans count from the line's beginning.
struct JsonObject {
  std::vector<Span> fields;  // key (without its quotes) and value of each member by turns
  Span members;              // all between the braces, without the white space at both ends
};

// Checks that `line` (valid UTF-8) is one JSON object of RFC 8259, with no key repeated in any object of it
// and nested at most kMaxJsonDepth deep. Otherwise the Reject says why: invalid_json, not_an_object,
// repeated_key, trailing_text, too_deep. An accepted line gives a Reject without a reason.
Reject scan_json_object(std::string_view line, JsonObject& object);

// Appends the text of a JSON string, given without its quotes and already checked. False when it has half of
// a surrogate pair (\ud800), which is no text; U+FFFD is appended for it.
bool append_unescaped(std::string_view raw, std::string& out);

}  // namespace valence::rows
