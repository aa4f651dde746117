// A mapped file that somebody shortens raises SIGBUS where its lost pages are read. No check can prevent
// that: the file may shrink between the check and the read.
#pragma once

#include <cstddef>
#include <string>

namespace valence {

// From now on the program then ends with one line that names the file, and with the status of bad data, in
// place of being killed. For programs: a library leaves signals alone.
void install_shrunk_file_handler();

// Lets the handler know a mapping as long as the object lives. Beyond 256 at once they stay without a name.
class NamedMapping {
 public:
  NamedMapping(const void* data, size_t size, const std::string& name);
  ~NamedMapping();
  NamedMapping(const NamedMapping&) = delete;
  NamedMapping& operator=(const NamedMapping&) = delete;

 private:
  int slot_ = -1;
};

}  // namespace valence
