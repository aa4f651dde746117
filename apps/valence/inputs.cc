#include "inputs.h"

#include <filesystem>
#include <system_error>

#include "base/error.h"

namespace valence::app {
namespace {

namespace fs = std::filesystem;

bool exists_as_file(const std::string& argument) {
  std::error_code error;  // a long text is no name of a file: that is no error here
  const fs::file_status status = fs::status(argument, error);
  return !error && fs::exists(status) && !fs::is_directory(status);
}

void require_file(const std::string& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::is_directory(status)) {
    throw Error(ErrorCode::kNoInput, printable(file) + ": is a folder, expected a file");
  }
  if (fs::exists(status)) return;
  const std::string reason = fs::status_known(status) ? "no such file" : error.message();
  throw Error(ErrorCode::kNoInput, printable(file) + ": " + reason);
}

Input from_file(const std::string& file) {
  if (file == "-") return {Input::Kind::kStandardInput, {}, {}};
  require_file(file);
  return {Input::Kind::kFile, {}, file};
}

[[noreturn]] void usage(const std::string& message) {
  throw Error(ErrorCode::kUsage, "analyze: " + message + " (see valence analyze --help)");
}

}  // namespace

bool has_file_ending(std::string_view argument) {
  constexpr size_t kLongest = 16;
  std::string lower(argument.substr(argument.size() - std::min(argument.size(), kLongest)));
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  std::string_view name = lower;
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.remove_suffix(packed.size());
  }
  for (const std::string_view ending : {".txt", ".csv", ".tsv", ".jsonl", ".ndjson"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

Input file_or_stdin(const std::optional<std::string>& file) { return from_file(file.value_or("-")); }

Input choose_input(const std::vector<std::string>& arguments, const std::vector<std::string>& texts,
                   const std::optional<std::string>& file) {
  Input input;
  input.texts = texts;
  std::vector<std::string> files;
  if (file) files.push_back(*file);
  for (const std::string& argument : arguments) {
    if (argument == "-" || exists_as_file(argument) || has_file_ending(argument)) {
      files.push_back(argument);
    } else {
      input.texts.push_back(argument);
    }
  }
  if (files.size() > 1) {
    usage("got " + std::to_string(files.size()) + " files (" + printable(files[0]) + ", " +
          printable(files[1]) + (files.size() > 2 ? ", …" : "") + "), expected one at a time");
  }
  if (!files.empty() && !input.texts.empty()) {
    usage("got both texts and a file (" + printable(files[0]) +
          "), expected one kind; --text says that it is a text");
  }
  if (!files.empty()) return from_file(files[0]);
  if (input.texts.empty()) usage("no input: expected texts, a file, or - for standard input");
  return input;
}

}  // namespace valence::app
