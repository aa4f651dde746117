#include "output.h"

#include <unistd.h>

#include "base/files.h"

namespace valence::app {

void print(std::string_view text) { write_all(STDOUT_FILENO, text, "standard output"); }

}  // namespace valence::app
