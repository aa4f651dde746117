// How a CSV file is cut into fields.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rows/row.h"

namespace valence::rows {

struct Dialect {
  char delimiter = ',';
  bool quoting = true;  // RFC 4180: "a ""b"", c"; a TSV knows none
};

enum class RecordEnd { kComplete, kCutInField, kCutInQuotes, kStrayQuote };

// Cuts the record at the front of `text`: the values of its fields, unquoted, are appended to `storage`, and
// `fields` tells them apart. `used` is its length with the line end (LF or CRLF). `last`: no text follows.
// A quote inside a field that does not begin with one is an ordinary character, and text behind a closing
// quote belongs to the field, as in Python's csv module; but behind a quote that closes on a later line it
// means that the first quote was never closed, and that other rows have been swallowed: kStrayQuote. A record
// that is not complete leaves the outputs undefined.
RecordEnd cut_record(std::string_view text, bool last, const Dialect& dialect, std::vector<Span>& fields,
                     std::string& storage, size_t& used);

// The delimiter (comma, semicolon, tab or bar) that cuts the most records of `sample`, the beginning of a CSV
// file, into as many fields as its header; with equal merit the one that gives more fields, then the first of
// this list. A comma when none cuts the header. `last`: the sample is the whole file.
char detect_delimiter(std::string_view sample, bool last);

}  // namespace valence::rows
