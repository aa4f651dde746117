// Reads the files of tools/make_quantization_goldens.py in order.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"

namespace valence::tensor {

class GoldenFile {
 public:
  explicit GoldenFile(const std::string& name) : file_(map_file(std::filesystem::path(GOLDENS) / name)) {}

  template <typename T>
  std::vector<T> array(size_t count) {
    std::vector<T> values(count);
    if (at_ + count * sizeof(T) > file_->bytes().size()) throw std::runtime_error("golden file too short");
    std::memcpy(values.data(), file_->bytes().data() + at_, count * sizeof(T));
    at_ += count * sizeof(T);
    return values;
  }

 private:
  std::shared_ptr<const FileBytes> file_;
  size_t at_ = 0;
};

}  // namespace valence::tensor
