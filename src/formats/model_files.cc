#include "formats/model_files.h"

#include <algorithm>

#include "base/error.h"

namespace valence::formats {

ModelFiles ModelFiles::from_folder(std::filesystem::path folder) {
  std::error_code code;
  if (!std::filesystem::is_directory(folder, code)) {
    throw Error(ErrorCode::kUnavailable, "no model folder " + printable(folder.string()));
  }
  ModelFiles files;
  files.name_ = folder.string();
  files.folder_ = std::move(folder);
  return files;
}

ModelFiles ModelFiles::from_memory(std::string name, std::vector<Embedded> embedded) {
  ModelFiles files;
  files.name_ = std::move(name);
  files.embedded_ = std::move(embedded);
  return files;
}

bool ModelFiles::has(std::string_view name) const {
  if (!folder_.empty()) {
    std::error_code code;
    return std::filesystem::exists(folder_ / name, code);
  }
  return std::any_of(embedded_.begin(), embedded_.end(), [&](const Embedded& e) { return e.name == name; });
}

std::shared_ptr<const FileBytes> ModelFiles::open(std::string_view name) const {
  if (!has(name)) {
    throw Error(ErrorCode::kBadData, printable(name_) + " has no " + printable(name));
  }
  if (!folder_.empty()) return map_file(folder_ / name);
  for (const Embedded& e : embedded_) {
    if (e.name == name) return wrap_bytes(e.bytes);
  }
  return nullptr;
}

std::vector<std::string> ModelFiles::names() const {
  std::vector<std::string> out;
  if (!folder_.empty()) {
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, code)) {
      std::error_code unknown;
      if (entry.is_regular_file(unknown)) out.push_back(entry.path().filename().string());
    }
  } else {
    for (const Embedded& e : embedded_) out.push_back(e.name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string ModelFiles::describe(std::string_view name) const {
  return printable((std::filesystem::path(name_) / name).string());
}

}  // namespace valence::formats
