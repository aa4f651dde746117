// PyTorch's own weight files (torch.save): a zip archive with a pickle, or, before 2020, pickles in a row.
// Nothing in them is executed: the pickle is read as data (see pickle.h).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/checkpoint.h"

namespace valence::formats {

struct TorchBin {
  std::vector<TensorView> tensors;  // in the order of the state dict
  // Memory of the tensors that are not contiguous in the file (saved transposed, say).
  std::vector<std::shared_ptr<const std::vector<std::byte>>> copies;
};

// `where` names the file in messages; views point into `file` or into `copies`, which never exceed the file's
// size. Errors: kBadData for anything that is not a state dict of dense CPU tensors, naming the opcode, the
// Python name or the tensor.
TorchBin read_torch_bin(std::span<const std::byte> file, const std::string& where);

}  // namespace valence::formats
