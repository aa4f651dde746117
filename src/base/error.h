// The one exception type of the project, and the tables that turn its code into an exit status.
#pragma once

#include <stdexcept>
#include <string>

namespace valence {

enum class ErrorCode {
  kRuntime,      // something outside our control failed: disk full, folder missing
  kUsage,        // the caller asked for something that has no meaning
  kBadData,      // a file is not what its format says
  kNoInput,      // an input file is absent or unreadable
  kUnavailable,  // a model cannot be had (offline, unknown, gated)
  kBadConfig,    // a configuration contradicts itself
  kInterrupted,  // the user asked to stop
  kNoMemory,     // more memory of a device than there is
};

// A message says what, where, expected and got, in one line.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// Exit status of the program for a code: 1, 2, 65, 66, 69, 78, 130.
int exit_status(ErrorCode code);

// Text fit for one line of a terminal: control characters and invalid UTF-8 are escaped, at most
// `limit` bytes are kept. For names that come from files.
std::string printable(std::string_view text, size_t limit = 200);

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace valence

// A broken invariant of the program itself: aborts. No input may reach one.
#define VALENCE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::valence::check_failed(#condition, __FILE__, __LINE__))
