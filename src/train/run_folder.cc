#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "base/error.h"

namespace valence::train {
namespace {

constexpr std::string_view kPrefix = "checkpoint-";

// A temporary name, under which a killed run was writing.
bool is_leaving(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return (name.starts_with(kPrefix) || name.starts_with("train.toml")) && name.find(".tmp") != name.npos;
}

}  // namespace

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void RunFolder::lock() {
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) throw Error(ErrorCode::kRuntime, printable(path_.string()) + ": " + std::strerror(errno));
  // A file system without locks does not keep a run from going on.
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  throw Error(ErrorCode::kRuntime, printable(path_.string()) + ": another run is going on there");
}

void RunFolder::claim() {
  const auto refuse_if_taken = [this] {
    if (is_taken())
      throw Error(ErrorCode::kUsage, "train: " + printable(path_.string()) +
                                         " exists already: name a new folder, or --resume it");
  };
  refuse_if_taken();
  std::error_code failed;
  made_ = std::filesystem::create_directories(path_, failed);
  if (failed) throw Error(ErrorCode::kRuntime, printable(path_.string()) + ": " + failed.message());
  lock();
  refuse_if_taken();  // by a run that began and ended in between
  remove_leavings();
}

void RunFolder::give_up() {
  std::error_code ignored;
  std::filesystem::remove(settings_file(), ignored);
  remove_leavings();
  if (made_) std::filesystem::remove(path_, ignored);  // unless there is something in it
}

bool RunFolder::is_taken() const {
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored)) return false;
  if (!std::filesystem::is_directory(path_, ignored)) return true;
  return std::ranges::any_of(std::filesystem::directory_iterator(path_),
                             [](const auto& entry) { return !is_leaving(entry.path()); });
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
    if (is_leaving(entry.path())) leavings.push_back(entry.path());
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
