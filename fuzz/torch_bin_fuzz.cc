// links: valence_formats
// A file of torch.save: a zip archive or the older form; anything else is taken for the pickle of a zip
// archive.
#include "formats/pickle.h"
#include "formats/torch_bin.h"
#include "formats/torch_state_dict.h"
#include "fuzz_target.h"

namespace {

using namespace valence;

formats::TorchBin read(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with("PK") || text.starts_with("\x80\x02\x8a\x0a"))
    return formats::read_torch_bin(file, "file");
  static const std::string kStorage(4096, 's');
  const formats::TorchStorages storages = {{"0", fuzz::as_bytes(std::string_view(kStorage).substr(0, 24))},
                                           {"1", fuzz::as_bytes(kStorage)}};
  const formats::Pickle pickle = formats::read_pickle(file, formats::torch_names(), "file");
  return formats::read_torch_state_dict(pickle, storages, kStorage.size(), "file");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = fuzz::as_bytes(fuzz::as_text(data, size));
  fuzz::accepted({ErrorCode::kBadData}, [&] {
    std::byte all{0};
    for (const formats::TensorView& tensor : read(file).tensors) {
      fuzz::must(formats::checked_byte_size(tensor.dtype, tensor.shape) == tensor.bytes.size(),
                 "bytes of the shape");
      for (const std::byte byte : tensor.bytes) all |= byte;
    }
    [[maybe_unused]] volatile std::byte sink = all;  // so each byte is read
  });
  return 0;
}
