// The values of chosen columns or fields, row by row.
#pragma once

#include <string>
#include <vector>

#include "rows/row_reader.h"

namespace valence::rows {

class ColumnValues {
 public:
  // `names` are found as --text-column finds its own: names or numbers. Errors: kUsage, naming `option`, for
  // a column that the input has not (of JSON Lines no field is missed: objects differ), or an input without
  // columns.
  ColumnValues(const RowReader& reader, const std::vector<std::string>& names, const std::string& option);

  // Of a row that is not rejected, in the order of the names, without quotes. Of JSON Lines: the characters
  // of a string, "" for null or no field, another value as it was written.
  std::vector<std::string> of(const Row& row) const;
  // Whether a row had one of the fields so far; columns are always there.
  bool found() const { return found_ || !json_; }

 private:
  std::string field(const Row& row, const std::string& name) const;

  bool json_;
  mutable bool found_ = false;
  std::vector<std::string> names_;
  std::vector<size_t> places_;  // CSV and TSV
};

}  // namespace valence::rows
