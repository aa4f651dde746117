// links: valence_language
// A model of fastText, asked about a few fixed lines.
#include "fuzz_target.h"
#include "language/fasttext_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace valence;
  const auto file = fuzz::as_bytes(fuzz::as_text(data, size));
  fuzz::accepted({ErrorCode::kBadData}, [&] {
    const language::FastTextModel model(language::read_fasttext(file, "file"));
    for (const std::string_view line : {"", "good", "bad good </s> x", "__label__a d\xC3\xA9j\xC3\xA0 vu"}) {
      const auto best = model.best(line, 5);
      fuzz::must(best.size() <= model.labels().size(), "as many candidates as labels");
      for (const auto& candidate : best) fuzz::must(candidate.label < model.labels().size(), "a label");
    }
  });
  return 0;
}
