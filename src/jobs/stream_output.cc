#include "jobs/stream_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "jobs/file_output.h"
#include "rows/decompress.h"

namespace valence::jobs {
namespace {

// Names of our own descriptors: opened anew, a file behind one would be overwritten from its start.
int own_descriptor(const std::filesystem::path& path) {
  const std::string name = path.string();
  if (name.empty() || name == "-" || name == "/dev/stdout" || name == "/dev/fd/1" ||
      name == "/proc/self/fd/1") {
    return STDOUT_FILENO;
  }
  return name == "/dev/stderr" || name == "/dev/fd/2" || name == "/proc/self/fd/2" ? STDERR_FILENO : -1;
}

bool is_device(const std::filesystem::path& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

// What a link leads to, which need not exist.
std::filesystem::path without_link(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // as Linux follows
  std::error_code error;
  for (int k = 0; k < kMostLinks && std::filesystem::is_symlink(path, error); ++k) {
    path = path.parent_path() / std::filesystem::read_symlink(path, error);  // an absolute one stands alone
    if (error) break;
  }
  const std::filesystem::path target = std::filesystem::canonical(path, error);
  return error ? path : target;
}

}  // namespace

StreamOutput::StreamOutput(int fd, bool owned, std::string name) : fd_(fd), owned_(owned) {
  name_ = std::move(name);
}

StreamOutput::~StreamOutput() {
  if (owned_) ::close(fd_);
}

void StreamOutput::write(std::string_view rows, std::string_view rejects) {
  write_all(fd_, rows, name_);
  write_all(STDERR_FILENO, rejects, "standard error");
}

std::unique_ptr<Output> open_output(const std::filesystem::path& path) {
  const int own = own_descriptor(path);
  if (own >= 0) {
    return std::make_unique<StreamOutput>(own, false,
                                          own == STDOUT_FILENO ? "standard output" : "standard error");
  }
  if (is_device(path)) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
      throw Error(ErrorCode::kRuntime,
                  "cannot write " + printable(path.string()) + ": " + std::strerror(errno));
    }
    return std::make_unique<StreamOutput>(fd, true, path.string());
  }
  if (rows::compression_by_name(path.string()) != rows::Compression::kNone) {
    throw Error(ErrorCode::kUsage, "cannot write " + printable(path.string()) +
                                       " compressed; write it plain and compress it then");
  }
  // A link stays a link: the file behind it is replaced.
  return std::make_unique<FileOutput>(without_link(path));
}

void refuse_same_file(const std::filesystem::path& input, const std::filesystem::path& output) {
  struct stat in{}, out{};
  if (::stat(input.c_str(), &in) != 0 || ::stat(output.c_str(), &out) != 0 || !S_ISREG(out.st_mode)) return;
  if (in.st_dev == out.st_dev && in.st_ino == out.st_ino)
    throw Error(ErrorCode::kUsage, "the output " + printable(output.string()) + " is the input itself");
}

}  // namespace valence::jobs
