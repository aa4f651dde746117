// The safetensors format (https://github.com/huggingface/safetensors): 8 bytes of header length, a JSON
// header, then the tensors' bytes without hole or overlap.
//
//   u64 little-endian N | N bytes of JSON, "{" first, blanks may follow | data
//   {"name": {"dtype": "F32", "shape": [2, 768], "data_offsets": [begin, end]}, "__metadata__": {"key":
//   "text"}}
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/checkpoint.h"

namespace valence::formats {

struct Safetensors {
  std::vector<TensorView> tensors;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
};

// `where` names the file in messages; the views point into `file`.
// Errors: kBadData for a header that is cut, over 100 MB or not strict JSON; for a repeated name, an unknown
// dtype, a shape whose product overflows or contradicts its offsets; for offsets that leave a hole, overlap,
// or do not end where the file ends.
Safetensors read_safetensors(std::span<const std::byte> file, const std::string& where);

}  // namespace valence::formats
