// links: valence_formats
// What is accepted can be written and read again, and is then the same.
#include "formats/json.h"
#include "fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace valence;
  fuzz::accepted({ErrorCode::kBadData}, [&] {
    const std::string once = formats::Json::parse(fuzz::as_text(data, size), "file").dump();
    fuzz::must(formats::Json::parse(once, "what was written").dump() == once,
               "written JSON reads as the same");
  });
  return 0;
}
