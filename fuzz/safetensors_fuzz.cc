// links: valence_formats
// The file is read as it is. Every tensor of an accepted file lies in it, and together they are all of its
// data.
#include "formats/safetensors.h"
#include "fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace valence;
  const auto file = fuzz::as_bytes(fuzz::as_text(data, size));
  formats::Safetensors content;
  if (!fuzz::accepted({ErrorCode::kBadData}, [&] { content = formats::read_safetensors(file, "file"); }))
    return 0;
  size_t total = 0;
  for (const formats::TensorView& tensor : content.tensors) {
    fuzz::must(formats::checked_byte_size(tensor.dtype, tensor.shape) == tensor.bytes.size(),
               "bytes of the shape");
    fuzz::must(tensor.bytes.data() >= file.data() && tensor.bytes.size() <= size &&
                   tensor.bytes.data() + tensor.bytes.size() <= file.data() + size,
               "a tensor lies in the file");
    total += tensor.bytes.size();
  }
  fuzz::must(total <= size, "no byte belongs to two tensors");
  return 0;
}
