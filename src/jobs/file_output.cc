#include "jobs/file_output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "rows/byte_source.h"

namespace valence::jobs {
namespace {

std::filesystem::path beside(const std::filesystem::path& path, const char* ending) {
  return path.parent_path() / std::string(".").append(path.filename().string()).append(ending);
}

bool same_file(int fd, const std::filesystem::path& path) {
  struct stat opened{}, named{};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

uint64_t size_of(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// The whole of a small file; nothing when it does not exist.
std::optional<std::string> read_small_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  return std::string(map_file(path)->text());
}

}  // namespace

FileOutput::FileOutput(std::filesystem::path path)
    : final_(std::move(path)),
      final_rejects_(final_.string() + ".rejects.jsonl"),
      state_(beside(final_, ".valence-state")),
      new_state_(beside(final_, ".valence-state.new")) {
  name_ = final_.string();
  rows_.path = beside(final_, ".valence-partial");
  rejects_.path = beside(final_, ".valence-rejects");
  std::error_code error;
  if (std::filesystem::is_directory(final_, error)) {
    throw Error(ErrorCode::kRuntime, "cannot write " + printable(name_) + ": it is a folder");
  }
  open_and_lock();
  has_state_ = std::filesystem::exists(state_, error);
}

// Leaves what --resume needs, and nothing else.
FileOutput::~FileOutput() {
  if (!has_state_ && rows_.fd >= 0) remove_files();
  close_parts();
}

void FileOutput::close_parts() {
  for (Part* part : {&rejects_, &rows_}) {  // the last has the lock
    if (part->fd >= 0) ::close(part->fd);
    part->fd = -1;
  }
}

void FileOutput::fail(const std::string& what) const {
  throw Error(ErrorCode::kRuntime, "cannot " + what + " " + printable(name_) + ": " + std::strerror(errno));
}

void FileOutput::open_and_lock() {
  while (true) {
    rows_.fd = ::open(rows_.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (rows_.fd < 0) fail("write");
    if (::flock(rows_.fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(rows_.fd);
      rows_.fd = -1;
      throw Error(ErrorCode::kRuntime, "cannot write " + printable(name_) + ": another run is writing it");
    }
    // Another run may have ended between our open and our lock: then this is no longer the partial file.
    if (same_file(rows_.fd, rows_.path)) return;
    ::close(rows_.fd);
  }
}

void FileOutput::truncate(Part& part, uint64_t size) {
  if (part.fd < 0) part.fd = ::open(part.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  const auto length = static_cast<off_t>(size);
  if (part.fd < 0 || ::ftruncate(part.fd, length) != 0 || ::lseek(part.fd, length, SEEK_SET) < 0)
    fail("write");
  part.size = size;
}

// What an earlier run left counts no more.
void FileOutput::start() {
  if (started_) return;
  started_ = true;
  if (has_state_) {
    ::unlink(state_.c_str());
    has_state_ = false;
    sync_folder_of(state_);
  }
  truncate(rows_, 0);
  truncate(rejects_, 0);
}

std::optional<JobState> FileOutput::resume(const JobState& now) {
  const std::optional<std::string> text = has_state_ ? read_small_file(state_) : std::nullopt;
  if (!text) return std::nullopt;
  const std::string again = "; run without --resume to start again";
  JobState state;
  try {
    state = state_from_json(*text, rows::input_name(state_));
  } catch (const Error& error) {
    throw Error(error.code(), error.what() + again);
  }
  if (const auto what = difference(state, now)) {
    throw Error(ErrorCode::kUsage, "cannot resume " + printable(name_) + ": " + *what +
                                       " has changed since the interrupted run" + again);
  }
  std::error_code error;
  const auto rejects_size = std::filesystem::file_size(rejects_.path, error);
  const bool rejects_missing = error || rejects_size < state.rejects_bytes;
  const uint64_t size = size_of(rows_.fd);
  const bool renamed = state.complete && size == 0;
  if (!renamed && (size < state.output_bytes || (rejects_missing && !state.complete))) {
    throw Error(ErrorCode::kBadData, "cannot resume " + printable(name_) + ": " +
                                         printable(rows_.path.string()) + " is not what the state counts" +
                                         again);
  }
  started_ = true;
  if (!state.complete) {
    truncate(rows_, state.output_bytes);
    truncate(rejects_, state.rejects_bytes);
  }
  return state;
}

void FileOutput::append(Part& part, std::string_view data) {
  if (data.empty()) return;
  write_all(part.fd, data, name_);
  part.size += data.size();
}

void FileOutput::write(std::string_view rows, std::string_view rejects) {
  start();
  append(rows_, rows);
  append(rejects_, rejects);
}

void FileOutput::sync(const Part& part) const {
  if (::fdatasync(part.fd) != 0) fail("write");
}

void FileOutput::save(const JobState& state) {
  const int fd = ::open(new_state_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) fail("write the state of");
  try {
    write_all(fd, to_json(state), new_state_.string());
  } catch (const Error&) {
    ::close(fd);
    ::unlink(new_state_.c_str());
    throw;
  }
  const bool synced = ::fsync(fd) == 0;
  if (::close(fd) != 0 || !synced || ::rename(new_state_.c_str(), state_.c_str()) != 0)
    fail("write the state of");
  sync_folder_of(state_);
  has_state_ = true;
}

void FileOutput::checkpoint(JobState& state) {
  start();
  state.output_bytes = rows_.size;
  state.rejects_bytes = rejects_.size;
  sync(rows_);
  sync(rejects_);
  save(state);
}

void FileOutput::commit(JobState& state) {
  if (!state.complete) {
    start();
    state.output_bytes = rows_.size;
    state.rejects_bytes = rejects_.size;
    state.complete = true;
    sync(rows_);
    sync(rejects_);
    std::error_code error;
    // One renaming is atomic by itself; two need a state that says what is left to do.
    if (has_state_ || state.rejects_bytes > 0 || std::filesystem::exists(final_rejects_, error)) save(state);
  }
  finish(state);
}

// Any of the steps may have been done already by a run that crashed here.
void FileOutput::finish(const JobState& state) {
  if (state.rejects_bytes == 0) {
    ::unlink(final_rejects_.c_str());  // of an earlier run
    ::unlink(rejects_.path.c_str());
  } else if (::rename(rejects_.path.c_str(), final_rejects_.c_str()) != 0 && errno != ENOENT) {
    fail("complete the rejects of");
  }
  // When the rows were renamed, open_and_lock() has made a new, empty partial file.
  if (size_of(rows_.fd) != state.output_bytes) {
    ::unlink(rows_.path.c_str());
  } else if (::rename(rows_.path.c_str(), final_.c_str()) != 0) {
    fail("complete");
  }
  sync_folder_of(final_);
  ::unlink(state_.c_str());
  ::unlink(new_state_.c_str());
  has_state_ = false;
  close_parts();
}

void FileOutput::remove_files() const {
  for (const auto* path : {&new_state_, &state_, &rejects_.path, &rows_.path}) ::unlink(path->c_str());
}

void FileOutput::discard() {
  remove_files();
  has_state_ = false;
  close_parts();
}

}  // namespace valence::jobs
