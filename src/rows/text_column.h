// Which column or field holds the text.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace valence::rows {

// Index in `columns` of the column that `wanted` names: exactly, else without regard to case and outer
// spaces, else by its number from 1. Without `wanted`: the only column, else the first of
// default_text_columns() that there is. `name` is the input, for messages. Errors: kUsage when there is no
// such column, the name stands for several, or none is the obvious one; the message lists the columns.
int choose_text_column(const std::vector<std::string>& columns, const std::optional<std::string>& wanted,
                       const std::string& name);

// Likewise, of names that may stand twice (the first counts); absent when there is no such column.
std::optional<size_t> find_column(const std::vector<std::string>& columns, const std::string& wanted);

}  // namespace valence::rows
