// links: valence_rows
// The first byte chooses format, encoding and how the bytes arrive; the rest is the file. However it arrives,
// the rows are the same, and going on at a row's place gives the rows behind it.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/utf8.h"
#include "fuzz_target.h"
#include "rows/row_reader.h"

namespace {

using namespace valence;

constexpr size_t kMaxRow = 4096;  // so that small inputs meet the limit

// Memory that is given out in parts.
class Parts final : public rows::ByteSource {
 public:
  Parts(std::string_view bytes, size_t step) : bytes_(bytes), step_(step) {}
  size_t read(char* out, size_t size) override {
    const size_t part = std::min({size, step_, bytes_.size() - at_});
    bytes_.copy(out, part, at_);
    at_ += part;
    return part;
  }
  uint64_t taken() const override { return at_; }
  uint64_t total() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
  size_t step_, at_ = 0;
};

struct Outcome {
  std::vector<rows::Row> rows;
  std::vector<rows::Position> behind;  // each row
  bool refused = false;                // an error ended the input
};

rows::ReaderOptions options_of(uint8_t choice) {
  rows::ReaderOptions options;
  options.format = static_cast<rows::Format>(choice & 3);
  options.max_row_bytes = kMaxRow;
  if (choice & 4) options.text_column = "text";
  if (choice & 8) options.encoding = static_cast<rows::Encoding>(choice >> 4 & 3);
  options.keep_checksum = (choice & 64) != 0;
  options.collect_fields = (choice & 128) != 0;
  return options;
}

void check(const rows::Row& row) {
  if (row.rejected()) return;
  for (const rows::Span& field : row.fields) {
    fuzz::must(field.begin <= row.storage.size() && field.size <= row.storage.size() - field.begin,
               "a field lies in its row");
  }
  fuzz::must(row.text.begin + row.text.size <= row.storage.size(), "the text lies in its row");
  fuzz::must(is_valid_utf8(row.text_view()), "a text is valid UTF-8");
  fuzz::must(!is_blank(row.text_view()), "a text is not blank");
}

Outcome read(std::string_view bytes, const rows::ReaderOptions& options, size_t step,
             std::optional<rows::Position> from = {}) {
  Outcome out;
  out.refused = !fuzz::accepted({ErrorCode::kBadData, ErrorCode::kUsage}, [&] {
    const auto reader = rows::open_rows(std::make_unique<Parts>(bytes, step), "input", options);
    if (from) reader->skip_to(*from);
    for (rows::Row row; reader->next(row); out.behind.push_back(reader->position())) {
      check(row);
      fuzz::must(out.rows.empty() || out.rows.back().line < row.line, "lines count up");
      out.rows.push_back(row);
    }
  });
  return out;
}

void must_be_equal(const Outcome& a, const Outcome& b, size_t skipped) {
  fuzz::must(a.refused == b.refused && a.rows.size() == b.rows.size() + skipped, "the same number of rows");
  for (size_t i = 0; i < b.rows.size(); ++i) {
    const rows::Row &x = a.rows[i + skipped], &y = b.rows[i];
    fuzz::must(x.line == y.line && x.reject.reason == y.reject.reason, "the same lines and reasons");
    if (!x.rejected()) fuzz::must(x.storage == y.storage && x.text_view() == y.text_view(), "the same rows");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes = fuzz::as_text(data, size);
  const rows::ReaderOptions options = options_of(fuzz::take_choice(bytes));
  const Outcome whole = read(bytes, options, size_t{1} << 20);
  must_be_equal(whole, read(bytes, options, 1), 0);
  must_be_equal(whole, read(bytes, options, 7), 0);
  if (whole.rows.empty() || whole.refused) return 0;
  const size_t middle = whole.rows.size() / 2;
  must_be_equal(whole, read(bytes, options, 5, whole.behind[middle]), middle + 1);
  return 0;
}
