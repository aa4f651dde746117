#include "formats/zip.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/little_endian.h"

namespace valence::formats {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kDirectorySignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kZip64LocatorSignature = 0x07064b50;
constexpr uint32_t kZip64EndSignature = 0x06064b50;
constexpr size_t kLocalSize = 30, kDirectorySize = 46, kEndSize = 22, kZip64LocatorSize = 20,
                 kZip64EndSize = 56;
constexpr size_t kMaxComment = 65535;
constexpr uint16_t kZip64ExtraTag = 1;
constexpr uint16_t kEncryptedFlag = 1;

class ZipReader {
 public:
  ZipReader(std::span<const std::byte> file, const std::string& where) : file_(file), where_(where) {}

  ZipMembers read() {
    const Directory directory = find_directory();
    uint64_t at = directory.offset;
    for (uint64_t i = 0; i < directory.entries; ++i) at = read_entry(at, directory.offset + directory.size);
    check_overlaps(directory.offset);
    return std::move(members_);
  }

 private:
  struct Directory {
    uint64_t offset, size, entries;
  };
  // A member in the central directory; fields of 32 bits may stand in the zip64 extra field.
  struct Entry {
    std::string name;
    uint64_t packed, size, offset;
  };

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kBadData, where_ + ": " + what);
  }

  template <typename T>
  T load(uint64_t offset) const {
    if (offset > file_.size() || sizeof(T) > file_.size() - offset) refuse("the zip archive is cut");
    return load_little_endian<T>(file_, offset);
  }

  bool has_signature(uint64_t offset, uint32_t signature) const {
    return offset <= file_.size() && file_.size() - offset >= 4 && load<uint32_t>(offset) == signature;
  }

  // The end record stands at the end of the file, before a comment of at most 64 KB.
  Directory find_directory() const {
    if (file_.size() < kEndSize)
      refuse("the zip archive has no directory: it is cut or was not written to its end");
    const uint64_t last = file_.size() - kEndSize;
    const uint64_t first = last > kMaxComment ? last - kMaxComment : 0;
    for (uint64_t at = last;; --at) {
      if (has_signature(at, kEndSignature) && load<uint16_t>(at + 20) == last - at) return read_end(at);
      if (at == first) refuse("the zip archive has no directory: it is cut or was not written to its end");
    }
  }

  Directory read_end(uint64_t at) const {
    Directory directory = {load<uint32_t>(at + 16), load<uint32_t>(at + 12), load<uint16_t>(at + 10)};
    uint64_t end = at;  // the directory lies before this
    if (at >= kZip64LocatorSize && has_signature(at - kZip64LocatorSize, kZip64LocatorSignature)) {
      end = load<uint64_t>(at - kZip64LocatorSize + 8);
      if (end > at || !has_signature(end, kZip64EndSignature) || at - end < kZip64EndSize) {
        refuse("the zip64 end record is not where the archive says");
      }
      directory = {load<uint64_t>(end + 48), load<uint64_t>(end + 40), load<uint64_t>(end + 32)};
    }
    if (directory.size > end || directory.offset > end - directory.size) {
      refuse("the zip directory lies outside of the file");
    }
    if (directory.entries > directory.size / kDirectorySize) {
      refuse("the zip directory of " + std::to_string(directory.size) + " bytes cannot hold " +
             std::to_string(directory.entries) + " members");
    }
    return directory;
  }

  // Reads one record of the directory, which ends at `end`; returns where the next one begins.
  uint64_t read_entry(uint64_t at, uint64_t end) {
    if (end - at < kDirectorySize || load<uint32_t>(at) != kDirectorySignature)
      refuse("the zip directory is damaged");
    const uint64_t name_size = load<uint16_t>(at + 28), extra_size = load<uint16_t>(at + 30);
    const uint64_t next = at + kDirectorySize + name_size + extra_size + load<uint16_t>(at + 32);
    if (next > end) refuse("the zip directory is damaged");
    Entry entry = {text(at + kDirectorySize, name_size), load<uint32_t>(at + 20), load<uint32_t>(at + 24),
                   load<uint32_t>(at + 42)};
    check_name(entry.name);
    read_zip64(entry, at + kDirectorySize + name_size, extra_size);
    if (load<uint16_t>(at + 8) & kEncryptedFlag) refuse("member " + printable(entry.name) + " is encrypted");
    const auto method = load<uint16_t>(at + 10);
    if (method != 0) {
      refuse("member " + printable(entry.name) + " is compressed (method " + std::to_string(method) +
             "); PyTorch stores its members as they are");
    }
    add_member(entry);
    return next;
  }

  void check_name(const std::string& name) const {
    const bool outside = name.empty() || name.front() == '/' ||
                         ("/" + name + "/").find("/../") != std::string::npos ||
                         name.find('\\') != std::string::npos || name.find('\0') != std::string::npos;
    if (outside) refuse("the member name \"" + printable(name) + "\" leads out of the archive");
  }

  // Values of 0xffffffff stand in the extra field, in this order, 8 bytes each.
  void read_zip64(Entry& entry, uint64_t at, uint64_t size) const {
    constexpr uint64_t kElsewhere = 0xffffffff;
    const uint64_t end = at + size;
    while (end - at >= 4) {
      const auto tag = load<uint16_t>(at);
      const uint64_t length = load<uint16_t>(at + 2);
      at += 4;
      if (length > end - at) refuse("the extra field of member " + printable(entry.name) + " is damaged");
      if (tag == kZip64ExtraTag) {
        uint64_t field = at;
        for (uint64_t* value : {&entry.size, &entry.packed, &entry.offset}) {
          if (*value != kElsewhere || at + length - field < 8) continue;
          *value = load<uint64_t>(field);
          field += 8;
        }
      }
      at += length;
    }
  }

  void add_member(const Entry& entry) {
    const std::string name = "member " + printable(entry.name);
    if (entry.packed != entry.size) {
      refuse(name + ": stored, and yet its two sizes differ: " + std::to_string(entry.packed) + " and " +
             std::to_string(entry.size));
    }
    if (!has_signature(entry.offset, kLocalSignature)) refuse(name + " is not where the zip directory says");
    const uint64_t name_size = load<uint16_t>(entry.offset + 26);
    const uint64_t begin = entry.offset + kLocalSize + name_size + load<uint16_t>(entry.offset + 28);
    if (text(entry.offset + kLocalSize, name_size) != entry.name)
      refuse(name + " has another name at its place");
    if (begin > file_.size() || entry.size > file_.size() - begin) {
      refuse(name + " claims " + std::to_string(entry.size) + " bytes at " + std::to_string(begin) +
             ", but the file has " + std::to_string(file_.size()));
    }
    if (!members_.emplace(entry.name, file_.subspan(begin, entry.size)).second)
      refuse(name + " occurs twice");
    places_.push_back({entry.offset, begin + entry.size});
  }

  std::string text(uint64_t offset, uint64_t size) const {
    if (offset > file_.size() || size > file_.size() - offset) refuse("the zip archive is cut");
    return {reinterpret_cast<const char*>(file_.data()) + offset, size};
  }

  // No byte belongs to two members, or to a member and the directory.
  void check_overlaps(uint64_t directory) {
    places_.push_back({directory, directory});
    std::sort(places_.begin(), places_.end(),
              [](const Place& a, const Place& b) { return a.begin < b.begin; });
    for (size_t i = 1; i < places_.size(); ++i) {
      if (places_[i].begin < places_[i - 1].end) refuse("members of the zip archive overlap");
    }
  }

  struct Place {
    uint64_t begin, end;
  };
  std::span<const std::byte> file_;
  const std::string& where_;
  ZipMembers members_;
  std::vector<Place> places_;
};

}  // namespace

bool looks_like_zip(std::span<const std::byte> file) {
  return file.size() >= 4 && load_little_endian<uint32_t>(file, 0) == kLocalSignature;
}

ZipMembers read_stored_zip(std::span<const std::byte> file, const std::string& where) {
  return ZipReader(file, where).read();
}

}  // namespace valence::formats
