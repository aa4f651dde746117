// Writes a safetensors file tensor by tensor, so that no more than one tensor needs to be in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "formats/checkpoint.h"

namespace valence::formats {

struct TensorSpec {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
};

// The layout is that of the reference implementation: wider dtypes first (so that each tensor is aligned to
// its elements), then by name; the header is padded with blanks to a multiple of 8. The same tensors give the
// same bytes. Usage: construct, write() the bytes of each tensor in the order of order(), commit().
class SafetensorsWriter {
 public:
  // Errors: kRuntime when the file cannot be written; kBadData for a repeated name or a shape that overflows.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

  const std::vector<TensorSpec>& order() const { return order_; }
  // Appends bytes of the tensors; they may come in parts.
  void write(std::span<const std::byte> bytes);
  // The file appears under its name. VALENCE_CHECKs that all bytes were written.
  void commit();

 private:
  std::vector<TensorSpec> order_;
  AtomicFile file_;
  uint64_t expected_ = 0, written_ = 0;
};

// All of it at once. Each view's bytes must have the size of its shape.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace valence::formats
