// The files of one model: a folder, or a set carried inside the program.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace valence::formats {

class ModelFiles {
 public:
  struct Embedded {
    std::string name;
    std::span<const std::byte> bytes;  // lives as long as the program
  };
  // Errors: kUnavailable when the folder does not exist.
  static ModelFiles from_folder(std::filesystem::path folder);
  static ModelFiles from_memory(std::string name, std::vector<Embedded> files);

  bool has(std::string_view name) const;
  // Errors: kBadData ("<folder> has no <name>") when absent; those of map_file.
  std::shared_ptr<const FileBytes> open(std::string_view name) const;
  // Names in the folder (no sub-folders), sorted.
  std::vector<std::string> names() const;
  // How messages name a file: its path, or "<model>/<name>".
  std::string describe(std::string_view name) const;
  // The folder, or the name of the embedded model.
  const std::string& name() const { return name_; }
  const std::filesystem::path& folder() const { return folder_; }  // empty for an embedded model

 private:
  std::string name_;
  std::filesystem::path folder_;
  std::vector<Embedded> embedded_;
};

}  // namespace valence::formats
