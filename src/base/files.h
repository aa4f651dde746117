// Files: mapped for reading, written under a temporary name and renamed when complete.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace valence {

// Bytes that stay valid as long as the object lives: a mapped file, or memory of the program.
class FileBytes {
 public:
  virtual ~FileBytes() = default;
  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  // Gives the pages of `part` (within bytes()) back to the system; they are read again when touched.
  virtual void release(std::span<const std::byte> part) const = 0;

 protected:
  std::span<const std::byte> bytes_;
};

// Maps a regular file read-only. Errors: kNoInput when absent or unreadable; kBadData for a folder,
// device or pipe.
std::shared_ptr<const FileBytes> map_file(const std::filesystem::path& path);

// Wraps bytes that live as long as the program (the embedded model).
std::shared_ptr<const FileBytes> wrap_bytes(std::span<const std::byte> bytes);

// A file that appears under its name only on commit(): temporary name in the same folder, fsync,
// rename, fsync of the folder. The destructor removes what was not committed.
// Errors: kRuntime with the path and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(std::string_view data);
  void write(std::span<const std::byte> data);
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  int fd_ = -1;
};

// A folder that appears under its name only on commit(): written beside it under a temporary name, then
// renamed. The destructor removes what was not committed. Errors: kRuntime with the path and the system's
// reason; kUsage when `path` exists and is no empty folder.
class AtomicFolder {
 public:
  explicit AtomicFolder(std::filesystem::path path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  const std::filesystem::path& temporary() const { return temporary_; }  // write the files here
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  bool open_ = false;
};

// Writes all of `data` to a descriptor, through short writes and EINTR. `name` is for the message.
void write_all(int fd, std::string_view data, const std::string& name);

// fsync of the folder that holds `path`, so that a rename survives a power cut.
void sync_folder_of(const std::filesystem::path& path);

}  // namespace valence
