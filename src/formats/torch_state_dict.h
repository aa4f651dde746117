// The tensors that a pickled PyTorch state dict describes, over storages that lie outside of the pickle.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/pickle.h"
#include "formats/torch_bin.h"

namespace valence::formats {

// Bytes of each storage by its key.
using TorchStorages = std::map<std::string, std::span<const std::byte>, std::less<>>;

// All Python names that a state dict of dense tensors consists of, for read_pickle.
std::span<const std::string_view> torch_names();

struct TorchStorageRef {
  DType dtype;
  std::string_view key;  // points into the pickle
  int64_t elements;
};

// Every storage that the pickle refers to. Errors: kBadData for a reference of another form.
std::vector<TorchStorageRef> torch_storage_refs(const Pickle& pickle, const std::string& where);

// The tensors of the dict at the pickle's root. Those that are not contiguous are copied; all copies together
// take at most `copy_limit` bytes. Errors: kBadData, naming the tensor.
TorchBin read_torch_state_dict(const Pickle& pickle, const TorchStorages& storages, size_t copy_limit,
                               const std::string& where);

}  // namespace valence::formats
