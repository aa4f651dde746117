#include "rows/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/interrupt.h"
#include "rows/decompress.h"

namespace valence::rows {
namespace {

class DescriptorSource final : public ByteSource {
 public:
  DescriptorSource(int fd, bool owned, std::string name) : fd_(fd), owned_(owned), name_(std::move(name)) {
    struct stat info{};
    if (::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) total_ = static_cast<uint64_t>(info.st_size);
  }
  ~DescriptorSource() override {
    if (owned_) ::close(fd_);
  }
  size_t read(char* out, size_t size) override {
    while (true) {
      const ssize_t got = ::read(fd_, out, size);
      if (got >= 0) {
        taken_ += static_cast<uint64_t>(got);
        return static_cast<size_t>(got);
      }
      if (errno != EINTR) {
        throw Error(ErrorCode::kNoInput, "cannot read " + name_ + ": " + std::strerror(errno));
      }
      check_interrupt();
    }
  }
  uint64_t taken() const override { return taken_; }
  uint64_t total() const override { return total_; }

 private:
  int fd_;
  bool owned_;
  std::string name_;
  uint64_t taken_ = 0, total_ = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  size_t read(char* out, size_t size) override {
    const size_t count = std::min(size, bytes_.size() - at_);
    std::memcpy(out, bytes_.data() + at_, count);
    at_ += count;
    return count;
  }
  uint64_t taken() const override { return at_; }
  uint64_t total() const override { return bytes_.size(); }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

// Gives back the few bytes that were read to recognise the compression, then the rest.
class PrefixedSource final : public ByteSource {
 public:
  PrefixedSource(std::string prefix, std::unique_ptr<ByteSource> rest)
      : prefix_(std::move(prefix)), rest_(std::move(rest)) {}
  size_t read(char* out, size_t size) override {
    if (at_ == prefix_.size()) return rest_->read(out, size);
    const size_t count = std::min(size, prefix_.size() - at_);
    std::memcpy(out, prefix_.data() + at_, count);
    at_ += count;
    return count;
  }
  uint64_t taken() const override { return rest_->taken(); }
  uint64_t total() const override { return rest_->total(); }

 private:
  std::string prefix_;
  size_t at_ = 0;
  std::unique_ptr<ByteSource> rest_;
};

// `claimed` is what the file's name says.
std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> source, const std::string& name,
                                         Compression claimed) {
  std::string magic(4, '\0');
  magic.resize(read_full(*source, magic.data(), magic.size()));
  const Compression found = compression_of(magic);
  if (claimed != Compression::kNone && found != claimed) {
    const std::string kind = claimed == Compression::kGzip ? "gzip" : "zstd";
    throw Error(ErrorCode::kBadData, name + " is not " + kind + " data, though its name says so");
  }
  auto whole = std::make_unique<PrefixedSource>(std::move(magic), std::move(source));
  return decompress(std::move(whole), found, name);
}

}  // namespace

std::string input_name(const std::filesystem::path& path) {
  std::string name = "'";
  return name.append(printable(path.string())).append("'");
}

size_t read_full(ByteSource& source, char* out, size_t size) {
  size_t filled = 0;
  while (filled < size) {
    const size_t got = source.read(out + filled, size - filled);
    if (got == 0) break;
    filled += got;
  }
  return filled;
}

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path) {
  const std::string name = input_name(path);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw Error(ErrorCode::kNoInput, "cannot open " + name + ": " + std::strerror(errno));
  auto file = std::make_unique<DescriptorSource>(fd, true, name);
  struct stat info{};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    throw Error(ErrorCode::kNoInput, "cannot read " + name + ": it is a folder");
  }
  return decompressed(std::move(file), name, compression_by_name(path.string()));
}

std::unique_ptr<ByteSource> open_standard_input() {
  const std::string name = "standard input";
  return decompressed(std::make_unique<DescriptorSource>(STDIN_FILENO, false, name), name,
                      Compression::kNone);
}

std::unique_ptr<ByteSource> open_memory(std::string bytes) {
  return decompressed(std::make_unique<MemorySource>(std::move(bytes)), "the input", Compression::kNone);
}

}  // namespace valence::rows
