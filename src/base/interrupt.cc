#include "base/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "base/error.h"

namespace valence {
namespace {

std::atomic<bool> g_interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may use nothing else");

void on_signal(int) {
  if (g_interrupted) ::_exit(130);
  g_interrupted = true;
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action{};
  action.sa_handler = on_signal;  // no SA_RESTART: a blocked read returns, so that we can stop
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

const std::atomic<bool>& interrupt_flag() { return g_interrupted; }

bool interrupted() { return g_interrupted; }

void set_interrupted(bool value) { g_interrupted = value; }

void check_interrupt() {
  if (interrupted()) throw Error(ErrorCode::kInterrupted, "interrupted");
}

}  // namespace valence
