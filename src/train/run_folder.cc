#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/error.h"

namespace valence::train {
namespace {

constexpr std::string_view kPrefix = "checkpoint-";

}  // namespace

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void RunFolder::lock() {
  lock_ = ::open(settings_file().c_str(), O_RDONLY | O_CLOEXEC);
  // A file system without locks does not keep a run from going on.
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  throw Error(ErrorCode::kRuntime, printable(path_.string()) + ": another run is going on there");
}

bool RunFolder::is_taken() const {
  std::error_code ignored;
  return std::filesystem::exists(path_, ignored) &&
         !(std::filesystem::is_directory(path_, ignored) && std::filesystem::is_empty(path_, ignored));
}

std::vector<int64_t> RunFolder::checkpoints() const {
  std::vector<int64_t> steps;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || name.size() == kPrefix.size() || name.size() > kPrefix.size() + 15 ||
        name.find_first_not_of("0123456789", kPrefix.size()) != name.npos) {
      continue;
    }
    steps.push_back(std::stoll(name.substr(kPrefix.size())));
  }
  std::ranges::sort(steps);
  return steps;
}

void RunFolder::keep_only(std::initializer_list<int64_t> kept) const {
  for (const int64_t step : checkpoints()) {
    if (std::ranges::find(kept, step) == kept.end()) std::filesystem::remove_all(checkpoint(step));
  }
}

void RunFolder::remove_leavings() const {
  std::vector<std::filesystem::path> leavings;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix) && name.find(".tmp") != name.npos) leavings.push_back(entry.path());
  }
  for (const auto& path : leavings) std::filesystem::remove_all(path);
}

Settings settings_of_run(const std::filesystem::path& folder) {
  const std::filesystem::path file = RunFolder(folder).settings_file();
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNoInput,
                printable(folder.string()) + " holds no run to resume: it has no train.toml");
  }
  Settings settings;
  settings.targets.clear();
  read_settings(file.string(), settings);
  return settings;
}

bool is_finished(const std::filesystem::path& folder) {
  return std::filesystem::exists(RunFolder(folder).state_file());
}

}  // namespace valence::train
