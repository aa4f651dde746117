// The members of a zip archive whose members are stored, not compressed, as PyTorch writes them.
// (APPNOTE.TXT 6.3.10 of PKWARE: end record 4.3.16, zip64 4.3.14 and 4.3.15, central directory 4.3.12.)
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>

namespace valence::formats {

using ZipMembers = std::map<std::string, std::span<const std::byte>, std::less<>>;

bool looks_like_zip(std::span<const std::byte> file);

// Views into `file`, which `where` names in messages. The checksums of members are not computed: that would
// read every page of the weights before the first is used.
// Errors: kBadData for an archive without a directory (cut), a compressed or encrypted member, a directory
// that contradicts the members or points outside of the file, members that overlap, a repeated name, and
// names that are absolute or hold "..", a backslash or a NUL.
ZipMembers read_stored_zip(std::span<const std::byte> file, const std::string& where);

}  // namespace valence::formats
