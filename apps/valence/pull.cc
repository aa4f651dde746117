// valence pull: a model from the hub into the cache that huggingface_hub shares.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "commands.h"
#include "hub/hub.h"
#include "human.h"
#include "output.h"

namespace valence::app {
namespace {

struct PullOptions {
  std::vector<std::string> name;
  bool quiet = false;
};

// One line on a terminal, written over at most ten times a second: file, bytes, rate and time left.
class ProgressLine {
 public:
  void show(const hub::Progress& progress) {
    const Clock::time_point now = Clock::now();
    if (shown_ && now - last_ < std::chrono::milliseconds(100) && progress.done < progress.total) return;
    if (!shown_) start_ = now, start_bytes_ = progress.done;
    shown_ = true;
    last_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(progress.done - start_bytes_) / seconds : 0;
    std::string line = printable(progress.file, 30);
    line.append("  ").append(human_bytes(progress.done)).append(" of ").append(human_bytes(progress.total));
    if (rate > 0) {
      const double left = static_cast<double>(progress.total - progress.done) / rate;
      line.append("  ").append(human_bytes(static_cast<uint64_t>(rate))).append("/s  ");
      line.append(fixed(left, 0)).append(" s left");
    }
    std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  }
  ~ProgressLine() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool shown_ = false;
  Clock::time_point start_, last_;
  uint64_t start_bytes_ = 0;
};

int pull(const PullOptions& options) {
  const hub::Repository repository = hub::parse_repository(options.name.front());
  const bool visible = !options.quiet && ::isatty(STDERR_FILENO) != 0;
  const hub::HubOptions hub_options = hub::HubOptions::from_environment();
  std::filesystem::path folder;
  if (hub_options.offline) {  // what is in the cache is as good as pulled
    folder = hub::resolve(options.name.front(), hub_options).files.folder();
  } else {
    ProgressLine line;
    folder = hub::pull(repository, hub_options, [&](const hub::Progress& progress) {
               if (visible) line.show(progress);
             }).folder;
  }
  if (!options.quiet) print(folder.string() + "\n");
  return 0;
}

}  // namespace

void add_pull(Program& program) {
  auto options = std::make_shared<PullOptions>();
  Command& command =
      program.add("pull", "Download a model into the hub's cache", [options] { return pull(*options); });
  command.arguments(options->name, "MODEL", 1, 1, "org/name[@revision] or a name of the catalogue");
  command.flag("quiet,q", options->quiet, "No progress, and no folder at the end");
  command.example("Example:\n  valence pull cardiffnlp/twitter-roberta-base-sentiment-latest");
}

}  // namespace valence::app
