#include "base/shrunk_files.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "base/error.h"

namespace valence {
namespace {

// Read by a signal handler, which may not lock or allocate: plain memory, published by `state`.
struct Slot {
  enum State { kFree, kChanging, kTaken };
  std::atomic<int> state{kFree};
  uintptr_t begin = 0, end = 0;
  std::array<char, 512> name{};
};
std::array<Slot, 256> g_slots;
static_assert(std::atomic<int>::is_always_lock_free);

void append(char* line, size_t capacity, const char* text) {
  const size_t used = std::strlen(line);
  std::strncat(line, text, capacity - used - 1);
}

void on_bus_error(int, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  const char* name = "a mapped file";
  for (const Slot& slot : g_slots) {
    if (slot.state.load(std::memory_order_acquire) != Slot::kTaken) continue;
    if (address >= slot.begin && address < slot.end) name = slot.name.data();
  }
  char line[700] = "valence: ";
  append(line, sizeof line, name);
  append(line, sizeof line, " became shorter, or unreadable, while it was being read\n");
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line, std::strlen(line));
  ::_exit(65);  // exit_status(kBadData), which may not be called here
}

}  // namespace

void install_shrunk_file_handler() {
  struct sigaction action{};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

NamedMapping::NamedMapping(const void* data, size_t size, const std::string& name) {
  if (size == 0) return;
  for (size_t i = 0; i < g_slots.size(); ++i) {
    Slot& slot = g_slots[i];
    int expected = Slot::kFree;
    if (!slot.state.compare_exchange_strong(expected, Slot::kChanging)) continue;
    slot.begin = reinterpret_cast<uintptr_t>(data);
    slot.end = slot.begin + size;
    const std::string shown = printable(name, slot.name.size() - 8);
    slot.name[shown.copy(slot.name.data(), slot.name.size() - 1)] = '\0';
    slot.state.store(Slot::kTaken, std::memory_order_release);
    slot_ = static_cast<int>(i);
    return;
  }
}

NamedMapping::~NamedMapping() {
  if (slot_ >= 0) g_slots[static_cast<size_t>(slot_)].state.store(Slot::kFree, std::memory_order_release);
}

}  // namespace valence
