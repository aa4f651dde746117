// Archives as PyTorch writes them, and with lies, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/test_support.h"

namespace valence::testing {

struct ZipLies {
  uint16_t method = 0, flags = 0;
  uint32_t packed = 0, size = 0, offset = 0;  // added to the truth in the directory, for the first member
};

// A zip archive whose members are stored. Checksums are 0: readers of weights do not look at them.
inline std::string make_zip(const std::vector<std::pair<std::string, std::string>>& members,
                            const ZipLies& lies = {}) {
  std::string out, directory;
  const auto u16 = [](size_t value) { return little_endian(static_cast<uint16_t>(value)); };
  const auto u32 = [](size_t value) { return little_endian(static_cast<uint32_t>(value)); };
  for (const auto& [name, content] : members) {
    const bool lie = directory.empty();
    const size_t offset = out.size();
    out += u32(0x04034b50) + u16(20) + u16(0) + u16(0) + u32(0) + u32(0) + u32(content.size()) +
           u32(content.size());
    out += u16(name.size()) + u16(0) + name + content;
    directory +=
        u32(0x02014b50) + u16(20) + u16(20) + u16(lie ? lies.flags : 0) + u16(lie ? lies.method : 0) + u32(0);
    directory +=
        u32(0) + u32(content.size() + (lie ? lies.packed : 0)) + u32(content.size() + (lie ? lies.size : 0));
    directory +=
        u16(name.size()) + u16(0) + u16(0) + u16(0) + u16(0) + u32(0) + u32(offset + (lie ? lies.offset : 0));
    directory += name;
  }
  const size_t at = out.size();
  out += directory;
  return out + u32(0x06054b50) + u16(0) + u16(0) + u16(members.size()) + u16(members.size()) +
         u32(directory.size()) + u32(at) + u16(0);
}

}  // namespace valence::testing
