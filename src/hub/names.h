// What may stand in names that come from users and from servers.
#pragma once

#include <string>
#include <string_view>

namespace valence::hub {

// 40 hexadecimal digits in lower case.
bool is_commit(std::string_view text);

// A blob's name: 40 digits (git SHA-1) or 64 (SHA-256).
bool is_blob_name(std::string_view text);

// A path inside a repository that stays inside: no empty part, ".", "..", "\" or control character, at most
// 1024 bytes.
bool is_safe_path(std::string_view path);

}  // namespace valence::hub
