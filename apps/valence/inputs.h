// What `valence analyze` reads: texts from the command line, a file or standard input.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace valence::app {

struct Input {
  enum class Kind { kTexts, kFile, kStandardInput };
  Kind kind = Kind::kTexts;
  std::vector<std::string> texts;  // kTexts
  std::string file;                // kFile
};

// An argument that exists as a file (or pipe, or device), or ends in .txt .csv .tsv .jsonl .ndjson (also with
// .gz or .zst behind), is a file; "-" is standard input; anything else is a text. --text and --file say so
// outright. Errors: kUsage for nothing at all, for kinds that are mixed and for several files; kNoInput for a
// file that does not exist.
Input choose_input(const std::vector<std::string>& arguments, const std::vector<std::string>& texts,
                   const std::optional<std::string>& file);

// The file or standard input ("-") of a command that takes no texts; absent: standard input.
// Errors: kNoInput for a file that does not exist or is a folder.
Input file_or_stdin(const std::optional<std::string>& file);

bool has_file_ending(std::string_view argument);

}  // namespace valence::app
