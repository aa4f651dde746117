#include "base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/shrunk_files.h"

namespace valence {
namespace {

std::string reason() { return std::strerror(errno); }

class MappedFile final : public FileBytes {
 public:
  MappedFile(void* data, size_t size, const std::string& name)
      : data_(data), size_(size), mapping_(data, size, name) {
    bytes_ = {static_cast<const std::byte*>(data), size};
  }
  ~MappedFile() override {
    if (size_ > 0) ::munmap(data_, size_);
  }
  void release(std::span<const std::byte> part) const override {
    if (size_ == 0 || part.empty()) return;
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t offset = static_cast<size_t>(part.data() - bytes_.data());
    const size_t begin = (offset + page - 1) / page * page;
    const size_t end = (offset + part.size()) / page * page;
    if (begin < end) ::madvise(static_cast<char*>(data_) + begin, end - begin, MADV_DONTNEED);
  }

 private:
  void* data_;
  size_t size_;
  NamedMapping mapping_;
};

class WrappedBytes final : public FileBytes {
 public:
  explicit WrappedBytes(std::span<const std::byte> bytes) { bytes_ = bytes; }
  void release(std::span<const std::byte>) const override {}
};

}  // namespace

std::shared_ptr<const FileBytes> map_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw Error(ErrorCode::kNoInput, "cannot open " + printable(path.string()) + ": " + reason());
  struct stat info{};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    throw Error(ErrorCode::kBadData, printable(path.string()) + " is not a regular file");
  }
  const auto size = static_cast<size_t>(info.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
      const std::string why = reason();
      ::close(fd);
      throw Error(ErrorCode::kRuntime, "cannot map " + printable(path.string()) + ": " + why);
    }
  }
  ::close(fd);
  return std::make_shared<MappedFile>(data, size, path.string());
}

std::shared_ptr<const FileBytes> wrap_bytes(std::span<const std::byte> bytes) {
  return std::make_shared<WrappedBytes>(bytes);
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  temporary_ = path_;
  temporary_ += ".tmp" + std::to_string(::getpid());
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0)
    throw Error(ErrorCode::kRuntime, "cannot write " + printable(path_.string()) + ": " + reason());
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view data) { write_all(fd_, data, path_.string()); }

void AtomicFile::write(std::span<const std::byte> data) {
  write(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()));
}

void AtomicFile::commit() {
  VALENCE_CHECK(fd_ >= 0);
  const bool synced = ::fsync(fd_) == 0;
  const bool closed = ::close(fd_) == 0;
  fd_ = -1;
  if (!synced || !closed || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const std::string why = reason();
    ::unlink(temporary_.c_str());
    throw Error(ErrorCode::kRuntime, "cannot complete " + printable(path_.string()) + ": " + why);
  }
  sync_folder_of(path_);
}

AtomicFolder::AtomicFolder(std::filesystem::path path) : path_(std::move(path)) {
  if (!path_.has_filename()) path_ = path_.parent_path();  // "folder/"
  std::error_code ignored;
  const bool empty_folder =
      std::filesystem::is_directory(path_, ignored) && std::filesystem::is_empty(path_, ignored);
  if (std::filesystem::exists(path_, ignored) && !empty_folder) {
    throw Error(ErrorCode::kUsage, printable(path_.string()) + " exists already: name a new folder");
  }
  temporary_ = path_;
  temporary_ += ".tmp" + std::to_string(::getpid());
  std::filesystem::remove_all(temporary_, ignored);
  if (::mkdir(temporary_.c_str(), 0755) != 0) {
    throw Error(ErrorCode::kRuntime, "cannot make " + printable(path_.string()) + ": " + reason());
  }
  open_ = true;
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (open_) std::filesystem::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  VALENCE_CHECK(open_);
  sync_folder_of(temporary_ / "file");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw Error(ErrorCode::kRuntime, "cannot complete " + printable(path_.string()) + ": " + reason());
  }
  open_ = false;
  sync_folder_of(path_);
}

void write_all(int fd, std::string_view data, const std::string& name) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw Error(ErrorCode::kRuntime, "cannot write " + printable(name) + ": " + reason());
    }
    data.remove_prefix(static_cast<size_t>(written));
  }
}

void sync_folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace valence
