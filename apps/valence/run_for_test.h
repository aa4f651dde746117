// Runs the program as a user does, for the tests: arguments, standard input and environment in; status and
// both outputs back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/json.h"

namespace valence::app {

struct Ran {
  int status = 0;  // exit status; 128 + signal when a signal ended it
  std::string out, err;
};

using Environment = std::map<std::string, std::string>;

// The environment is that of the test without VALENCE_* and HF_* variables, plus `environment`.
Ran run_valence(const std::vector<std::string>& arguments, const std::string& input = "",
                const Environment& environment = {});

// A line for bash, with "$0" as the program.
Ran run_shell(const std::string& line, const Environment& environment = {});

// A mistake of the user: this status, one line on standard error that begins with "valence: " and says each
// of `words`, nothing on standard output.
void expect_refused(const Ran& ran, int status, const std::vector<std::string>& words);

// JSON Lines, and the names of an object's members.
std::vector<formats::Json> lines_of(const std::string& text);
std::vector<std::string> keys_of(const formats::Json& object);

// The member `key`, which must be a string.
std::string text_of(const formats::Json& object, const char* key);

// A folder of tests/data/models.
std::string tiny_model(const std::string& name);

}  // namespace valence::app
