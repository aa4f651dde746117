// What a command prints: on standard output, through short writes, with an error when it cannot be written.
#pragma once

#include <string>
#include <string_view>

namespace valence::app {

// Errors: kRuntime when standard output is full or closed.
void print(std::string_view text);

}  // namespace valence::app
