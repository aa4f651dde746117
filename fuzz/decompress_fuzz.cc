// links: valence_rows
// gzip and zstd, known by their first bytes. Whatever a stream claims, it is read in bounded memory.
#include <array>

#include "fuzz_target.h"
#include "rows/byte_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace valence;
  constexpr size_t kEnough = 8 << 20;  // bytes of output; a bomb has gigabytes
  fuzz::accepted({ErrorCode::kBadData}, [&] {
    const auto source = rows::open_memory(std::string(fuzz::as_text(data, size)));
    std::array<char, 65536> block;
    size_t total = 0;
    while (total < kEnough) {
      const size_t got = source->read(block.data(), block.size());
      fuzz::must(got <= block.size(), "no more than was asked for");
      if (got == 0) break;
      total += got;
    }
  });
  return 0;
}
