#include "base/error.h"

#include <cstdio>
#include <cstdlib>

#include "base/utf8.h"

namespace valence {

int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kRuntime:
      return 1;
    case ErrorCode::kUsage:
      return 2;
    case ErrorCode::kBadData:
      return 65;
    case ErrorCode::kNoInput:
      return 66;
    case ErrorCode::kUnavailable:
      return 69;
    case ErrorCode::kBadConfig:
      return 78;
    case ErrorCode::kInterrupted:
      return 130;
    case ErrorCode::kNoMemory:
      return 1;
  }
  return 1;
}

std::string printable(std::string_view text, size_t limit) {
  std::string out;
  size_t at = 0;
  while (at < text.size() && out.size() < limit) {
    const size_t begin = at;
    const char32_t c = decode_utf8(text, at);
    if (c == kInvalidCodePoint || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
      char hex[8];
      for (size_t i = begin; i < at; ++i) {
        std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(text[i]));
        out += hex;
      }
    } else {
      out.append(text.substr(begin, at - begin));
    }
  }
  if (at < text.size()) out += "…";
  return out;
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "valence: broken invariant %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace valence
