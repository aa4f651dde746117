#include "hub/names.h"

#include <algorithm>

#include "base/error.h"
#include "formats/catalogue.h"
#include "hub/hub.h"

namespace valence::hub {
namespace {

constexpr size_t kMaxName = 96, kMaxRevision = 255, kMaxPath = 1024;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// One half of "org/name", by the hub's own rule. "--" separates the halves in the cache.
bool is_name_part(std::string_view part) {
  const auto allowed = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; };
  return !part.empty() && part.size() <= kMaxName && std::all_of(part.begin(), part.end(), allowed) &&
         part.find("..") == part.npos && part.find("--") == part.npos && part.front() != '-' &&
         part.front() != '.' && part.back() != '-' && part.back() != '.';
}

bool is_revision(std::string_view revision) {
  const auto allowed = [](char c) {
    return is_letter_or_digit(c) || std::string_view("-_./+").find(c) != std::string_view::npos;
  };
  return revision.size() <= kMaxRevision && is_safe_path(revision) &&
         std::all_of(revision.begin(), revision.end(), allowed);
}

}  // namespace

bool is_commit(std::string_view text) { return text.size() == 40 && is_hex(text); }

bool is_blob_name(std::string_view text) { return (text.size() == 40 || text.size() == 64) && is_hex(text); }

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath) return false;
  for (const char c : path) {
    if (c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  size_t begin = 0;
  while (true) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == path.size()) return true;
    begin = end + 1;
  }
}

Repository parse_repository(std::string_view text) {
  Repository repository;
  const size_t at = text.find('@');
  const std::string_view name = text.substr(0, at);
  const size_t slash = name.find('/');
  const bool good = slash == name.npos
                        ? is_name_part(name)
                        : is_name_part(name.substr(0, slash)) && is_name_part(name.substr(slash + 1));
  if (!good) {
    throw Error(ErrorCode::kUsage,
                "\"" + printable(text) + "\" is no name of the hub: expected org/name[@revision]");
  }
  const formats::CatalogueEntry* entry = formats::find_in_catalogue(name);
  repository.name = entry ? entry->repository : name;
  if (at != text.npos) {
    if (!is_revision(text.substr(at + 1))) {
      throw Error(
          ErrorCode::kUsage,
          "\"" + printable(text) + "\": what follows the @ is no revision, expected org/name[@revision]");
    }
    repository.revision = text.substr(at + 1);
  }
  return repository;
}

}  // namespace valence::hub
