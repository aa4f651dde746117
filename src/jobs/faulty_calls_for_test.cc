#include "jobs/faulty_calls_for_test.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <set>

namespace valence::jobs {
namespace {

Faults g_faults;
std::set<int> g_unsynced;  // descriptors with bytes that may not be on the disk yet

// Counts a step; false when the call must fail.
bool step() {
  if (g_faults.steps++ < g_faults.at || g_faults.kind == Faults::Kind::kNone) return true;
  if (g_faults.kind == Faults::Kind::kDie) ::kill(::getpid(), SIGKILL);
  if (g_faults.kind == Faults::Kind::kFailOnce) g_faults.kind = Faults::Kind::kNone;
  errno = g_faults.error;
  return false;
}

}  // namespace

Faults& faults() { return g_faults; }

void set_faults(Faults::Kind kind, int at, int error) {
  g_faults = Faults();
  g_faults.kind = kind;
  g_faults.at = at;
  g_faults.error = error;
  g_unsynced.clear();
}

extern "C" {

ssize_t __real_write(int fd, const void* data, size_t size);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);
int __real_ftruncate(int fd, off_t size);

// A write is several steps: before it, and behind some of its bytes.
ssize_t __wrap_write(int fd, const void* data, size_t size) {
  if (fd <= STDERR_FILENO) return __real_write(fd, data, size);
  g_unsynced.insert(fd);
  const auto* bytes = static_cast<const char*>(data);
  size_t written = 0;
  for (const size_t end :
       {size_t{0}, std::min(size, size_t{1}), size / 2, size - std::min(size, size_t{1}), size}) {
    if (end > written) {
      const ssize_t more = __real_write(fd, bytes + written, end - written);
      if (more < 0) return -1;
      written += static_cast<size_t>(more);
      if (g_faults.short_writes) return static_cast<ssize_t>(written);
    }
    if (!step()) return written > 0 && errno == ENOSPC ? static_cast<ssize_t>(written) : -1;
  }
  return static_cast<ssize_t>(written);
}

int __wrap_rename(const char* from, const char* to) {
  if (!step()) return -1;
  g_faults.renamed_unsynced = g_faults.renamed_unsynced || !g_unsynced.empty();
  const int status = __real_rename(from, to);
  if (g_faults.kind == Faults::Kind::kDie) step();
  return status;
}

int __wrap_unlink(const char* path) {
  if (g_faults.kind == Faults::Kind::kDie) step();
  return __real_unlink(path);
}

int __wrap_ftruncate(int fd, off_t size) { return step() ? __real_ftruncate(fd, size) : -1; }

// A process that dies loses nothing that it wrote: no disk is needed here.
int __wrap_fsync(int fd) {
  if (!step()) return -1;
  g_unsynced.erase(fd);
  return 0;
}

int __wrap_fdatasync(int fd) { return __wrap_fsync(fd); }

}  // extern "C"
}  // namespace valence::jobs
