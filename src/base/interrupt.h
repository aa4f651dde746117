// SIGINT and SIGTERM as a flag that long loops look at.
#pragma once

#include <atomic>

namespace valence {

// The first signal sets the flag, a second one ends the process with status 130.
void install_interrupt_handler();
bool interrupted();
const std::atomic<bool>& interrupt_flag();  // for whoever takes a flag to stop by
// For a program whose signals are its own affair, as Python's are: sets the flag, or takes it back.
void set_interrupted(bool value);
// Throws Error(kInterrupted) when the flag is set.
void check_interrupt();

}  // namespace valence
