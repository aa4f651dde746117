// What the fuzz targets share. A finding is a signal, a sanitizer's report, a hang, or an exception that is
// not an Error of a kind that the input may cause.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace valence::fuzz {

// A promise that the input has broken.
inline void must(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

// Runs `action`, which may refuse its input with one line and one of these codes; true when it did not.
template <typename Action>
bool accepted(std::initializer_list<ErrorCode> codes, Action action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    bool expected = false;
    for (const ErrorCode code : codes) expected = expected || error.code() == code;
    if (!expected) std::fprintf(stderr, "unexpected error: %s\n", error.what());
    must(expected, "the kind of the error");
    must(std::string_view(error.what()).find('\n') == std::string_view::npos, "an error is one line");
    return false;
  }
}

inline std::string_view as_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// Takes the first byte, which chooses among the ways of a target; 0 when there is none.
inline uint8_t take_choice(std::string_view& input) {
  if (input.empty()) return 0;
  const auto choice = static_cast<uint8_t>(input.front());
  input.remove_prefix(1);
  return choice;
}

}  // namespace valence::fuzz
