// links: valence_text
// The first byte chooses the kind of file; then the file, a NUL, and a text for the tokenizer. Ids and
// offsets stay in their ranges, and both ways to encode agree.
#include "base/utf8.h"
#include "formats/model_files.h"
#include "fuzz_target.h"
#include "text/tokenizer.h"

namespace {

using namespace valence;

constexpr std::string_view kTexts[] = {"",
                                       " ",
                                       "Good things, not bad!",
                                       "caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87",
                                       "e\xcc\x81\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd",
                                       "[MASK] <s> ##s a\tb\xe2\x80\x8b"};

size_t code_points(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

void check(const text::Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  tokenizer.encode(text, ids);
  const text::Encoding encoding = tokenizer.encode_with_offsets(text);
  fuzz::must(encoding.ids == ids, "both ways to encode give the same ids");
  fuzz::must(encoding.offsets.size() == ids.size(), "a token has its offsets");
  const size_t length = code_points(text);
  for (size_t i = 0; i < ids.size(); ++i) {
    fuzz::must(ids[i] >= 0 && ids[i] < tokenizer.vocab_size(), "an id is of the vocabulary");
    const text::Offset offset = encoding.offsets[i];
    fuzz::must(offset.begin <= offset.end && offset.end <= length, "offsets lie in the text");
  }
}

formats::ModelFiles files_of(uint8_t choice, std::string_view file) {
  constexpr const char* kNames[] = {"tokenizer.json", "vocab.txt", "sentencepiece.bpe.model", "spm.model"};
  constexpr std::string_view kMerges = "#version: 0.2\na b\nab c\n\xc4\xa0 a\n";
  constexpr std::string_view kVocab =
      R"({"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "<unk>": 5, "<s>": 6, "</s>": 7})";
  if (choice % 6 == 4)
    return formats::ModelFiles::from_memory(
        "model", {{"vocab.json", fuzz::as_bytes(file)}, {"merges.txt", fuzz::as_bytes(kMerges)}});
  if (choice % 6 == 5)
    return formats::ModelFiles::from_memory(
        "model", {{"vocab.json", fuzz::as_bytes(kVocab)}, {"merges.txt", fuzz::as_bytes(file)}});
  return formats::ModelFiles::from_memory("model", {{kNames[choice % 6], fuzz::as_bytes(file)}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view file = fuzz::as_text(data, size);
  const uint8_t choice = fuzz::take_choice(file);
  const size_t end = file.rfind('\0');
  const std::string_view own = end == file.npos ? "" : file.substr(end + 1);
  if (is_valid_utf8(own)) file = file.substr(0, end);
  fuzz::accepted({ErrorCode::kBadData, ErrorCode::kBadConfig}, [&] {
    const auto tokenizer = text::Tokenizer::load(files_of(choice, file));
    for (const std::string_view text : kTexts) check(*tokenizer, text);
    if (is_valid_utf8(own)) check(*tokenizer, own);
  });
  return 0;
}
