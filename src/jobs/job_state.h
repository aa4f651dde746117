// What an interrupted job needs to go on, as a small JSON file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "jobs/summary.h"
#include "rows/input_window.h"

namespace valence::jobs {

struct JobState {
  // What must be the same when the job goes on: options by their names, the model's fingerprint ("model"),
  // size and SHA-256 of the input ("input").
  std::map<std::string, std::string> settings;
  rows::Position position;    // in the input, behind the last row that is written
  uint64_t output_bytes = 0;  // of whole rows
  uint64_t rejects_bytes = 0;
  Summary summary;
  bool complete = false;  // all is written; only the renaming may be left to do
};

std::string to_json(const JobState& state);
// Errors: kBadData when the text is not such a state.
JobState state_from_json(const std::string& text, const std::string& where);

// The first setting in which two jobs differ, in words ("the option --format (was csv, is jsonl)"); nothing
// when they agree.
std::optional<std::string> difference(const JobState& interrupted, const JobState& now);

// "<bytes> <SHA-256>" of a regular file; empty for anything else, which cannot be read twice.
// Errors: kNoInput, kInterrupted.
std::string identity_of(const std::filesystem::path& path);

}  // namespace valence::jobs
