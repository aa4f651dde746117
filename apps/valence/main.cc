// The program: its commands, and one line and one exit status for whatever goes wrong.

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/shrunk_files.h"
#include "commands.h"

namespace valence::app {
namespace {

constexpr size_t kLongestMessage = 4000;  // bytes

int fail(std::string_view message, int status) {
  const std::string line = "valence: " + printable(message, kLongestMessage) + "\n";
  // Where standard error cannot be written there is nobody left to tell.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  return status;
}

// A closed standard stream would lend its number to the next file that is opened: texts would be read from a
// model, messages written into a result. So each closed one gets a descriptor on which the wrong use fails.
void occupy_standard_streams() {
  const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};
  for (int stream = 0; stream < 3; ++stream) {
    if (::fcntl(stream, F_GETFD) == -1) [[maybe_unused]]
      const int opened = ::open("/dev/null", modes[stream]);
  }
}

int run(int argc, const char* const* argv) {
  Program program;
  add_analyze(program);
  add_tokenize(program);
  add_detect(program);
  add_translate(program);
  add_routes(program);
  add_pull(program);
  add_models(program);
  add_adapters(program);
  add_convert(program);
  add_quantize(program);
  add_train(program);
  add_eval(program);
  add_ablation(program);
  add_merge(program);
  add_export(program);
  add_serve(program);
  add_doctor(program);
  add_bench(program);
  add_completions(program);
  return program.run(argc, argv);
}

int guarded(int argc, const char* const* argv) {
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    return fail(error.what(), exit_status(error.code()));
  } catch (const std::bad_alloc&) {
    return fail("out of memory", exit_status(ErrorCode::kRuntime));
  } catch (const std::exception& error) {
    return fail(error.what(), exit_status(ErrorCode::kRuntime));
  }
}

}  // namespace
}  // namespace valence::app

int main(int argc, char** argv) {
  // `valence … | head` ends quietly, as cat does, even below a parent that ignores the signal.
  std::signal(SIGPIPE, SIG_DFL);
  // A limit on the size of files (ulimit -f) is then an error of the write, with a message.
  std::signal(SIGXFSZ, SIG_IGN);
  valence::app::occupy_standard_streams();
  valence::install_interrupt_handler();
  valence::install_shrunk_file_handler();
  return valence::app::guarded(argc, argv);
}
