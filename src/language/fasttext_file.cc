#include "language/fasttext_file.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "formats/little_endian.h"

namespace valence::language {
namespace {

constexpr int32_t kMagic = 793712314;
constexpr size_t kCentroids = 256;         // of each part of a quantized row
constexpr int32_t kLongestSubvector = 16;  // fastText's default is 2; bounds what a small file can unfold to
constexpr int32_t kSupervised = 3;
// The Huffman tree of the labels stands for "not yet made" with this count.
constexpr int64_t kMostCount = 1'000'000'000'000'000;

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadData, name_ + " is not a fastText model: " + what);
  }

  std::span<const std::byte> take(uint64_t size, const char* what) {
    if (size > bytes_.size() - at_) fail(std::string("it ends within ") + what);
    const auto taken = bytes_.subspan(at_, size);
    at_ += size;
    return taken;
  }

  template <typename T>
  T number(const char* what) {
    return formats::load_little_endian<T>(take(sizeof(T), what), 0);
  }

  // A count of things that take at least `each` bytes of what is left of the file.
  template <typename T>
  uint64_t count(const char* what, uint64_t each) {
    const auto value = static_cast<int64_t>(number<T>(what));
    if (value < 0 || static_cast<uint64_t>(value) > (bytes_.size() - at_) / each) {
      fail(std::string(what) + " is " + std::to_string(value) + ", which the file is too short for");
    }
    return static_cast<uint64_t>(value);
  }

  std::string word() {
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
    const auto* end = static_cast<const char*>(std::memchr(begin, 0, bytes_.size() - at_));
    if (end == nullptr) fail("it ends within a word");
    at_ += static_cast<size_t>(end - begin) + 1;
    return {begin, end};
  }

  std::vector<float> floats(uint64_t count, const char* what) {
    if (count > (bytes_.size() - at_) / sizeof(float)) fail(std::string("it ends within ") + what);
    const auto taken = take(count * sizeof(float), what);
    std::vector<float> values(count);
    if (count > 0) std::memcpy(values.data(), taken.data(), taken.size());
    return values;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& name_;
  size_t at_ = 0;
};

int32_t read_settings(Reader& reader, FastTextFile& file) {
  if (reader.number<int32_t>("its head") != kMagic) reader.fail("it does not begin with the magic number");
  const auto version = reader.number<int32_t>("its head");
  if (version != 11 && version != 12) {
    reader.fail("version " + std::to_string(version) + ", expected 11 or 12");
  }
  enum { kDim, kWs, kEpoch, kMinCount, kNeg, kWordNgrams, kLoss, kModel, kBucket, kMinn, kMaxn, kRate, kAll };
  int32_t settings[kAll];
  for (int32_t& setting : settings) setting = reader.number<int32_t>("its settings");
  reader.number<double>("its settings");
  if (settings[kModel] != kSupervised) reader.fail("it classifies nothing (only word vectors)");
  if (settings[kLoss] < 1 || settings[kLoss] > 4) {
    reader.fail("unknown loss " + std::to_string(settings[kLoss]));
  }
  if (settings[kDim] < 1) reader.fail("dim is " + std::to_string(settings[kDim]));
  if (settings[kBucket] < 0) reader.fail("bucket is " + std::to_string(settings[kBucket]));
  file.loss = static_cast<FastTextLoss>(settings[kLoss]);
  file.word_ngrams = settings[kWordNgrams];
  file.bucket = settings[kBucket];
  file.minn = settings[kMinn];
  // Classifiers of version 11 were trained without n-grams of characters, whatever they say.
  file.maxn = version == 11 ? 0 : settings[kMaxn];
  return settings[kDim];
}

void read_dictionary(Reader& reader, FastTextFile& file) {
  constexpr uint64_t kLeastEntry = 1 + sizeof(int64_t) + 1;
  const uint64_t size = reader.count<int32_t>("the number of entries", kLeastEntry);
  const auto words = reader.number<int32_t>("its dictionary");
  const auto labels = reader.number<int32_t>("its dictionary");
  if (words < 0 || labels < 1 || static_cast<uint64_t>(words) + static_cast<uint64_t>(labels) != size) {
    reader.fail(std::to_string(size) + " entries, but " + std::to_string(words) + " words and " +
                std::to_string(labels) + " labels");
  }
  reader.number<int64_t>("its dictionary");  // tokens of the training data
  const auto kept = reader.number<int64_t>("its dictionary");
  for (uint64_t i = 0; i < size; ++i) {
    std::string word = reader.word();
    const auto count = reader.number<int64_t>("its dictionary");
    const bool is_label = reader.number<int8_t>("its dictionary") != 0;
    if (is_label != (i >= static_cast<uint64_t>(words))) reader.fail("words and labels are mixed up");
    if (!is_label) {
      file.words.push_back(std::move(word));
      continue;
    }
    if (count < 0 || count >= kMostCount) reader.fail("a label's count is " + std::to_string(count));
    file.labels.push_back(std::move(word));
    file.label_counts.push_back(count);
  }
  file.pruned = kept >= 0;
  for (int64_t i = 0; i < kept; ++i) {
    const auto hash = reader.number<int32_t>("its pruned n-grams");
    const auto row = reader.number<int32_t>("its pruned n-grams");
    file.kept.emplace_back(hash, row);
  }
}

Matrix read_dense(Reader& reader, const char* what) {
  Matrix matrix;
  matrix.rows = reader.count<int64_t>(what, 1);
  matrix.columns = reader.count<int64_t>(what, 1);
  if (matrix.rows > 0 && matrix.columns > UINT64_MAX / sizeof(float) / matrix.rows) {
    reader.fail(std::string("the size of ") + what);
  }
  matrix.values = reader.floats(matrix.rows * matrix.columns, what);
  return matrix;
}

// Product quantization (Jégou et al. 2011): each part of a row is one of 256 centroids.
struct Quantizer {
  uint64_t columns = 0, parts = 0,
           part = 0;             // a row is `parts` parts of `part` columns, the last one shorter
  std::vector<float> centroids;  // [parts, 256, part], of the last part [256, its columns]

  std::span<const float> centroid(uint64_t index, uint8_t code) const {
    const uint64_t begin = index * part, length = std::min(part, columns - begin);
    return std::span(centroids).subspan(begin * kCentroids + code * length, length);
  }
};

Quantizer read_quantizer(Reader& reader, uint64_t columns) {
  int32_t numbers[4];
  for (int32_t& number : numbers) number = reader.number<int32_t>("its quantizer");
  const auto [dim, parts, part, last] = numbers;
  if (part < 1 || part > kLongestSubvector || dim < 1 || static_cast<uint64_t>(dim) != columns ||
      parts != (int64_t{dim} + part - 1) / part || last != dim - int64_t{parts - 1} * part) {
    reader.fail("a quantizer of " + std::to_string(dim) + " columns in " + std::to_string(parts) +
                " parts of " + std::to_string(part) + " and " + std::to_string(last));
  }
  Quantizer quantizer{columns, static_cast<uint64_t>(parts), static_cast<uint64_t>(part), {}};
  quantizer.centroids = reader.floats(columns * kCentroids, "its quantizer");
  return quantizer;
}

Matrix read_quantized(Reader& reader, const char* what) {
  const bool has_norms = reader.number<uint8_t>(what) != 0;
  const uint64_t rows = reader.count<int64_t>(what, 1);
  const uint64_t columns = reader.count<int64_t>(what, 1);
  const uint64_t size = reader.count<int32_t>(what, 1);
  const auto codes = reader.take(size, what);
  const Quantizer quantizer = read_quantizer(reader, columns);
  if (quantizer.parts * rows != size)
    reader.fail(std::string("the codes of ") + what + " do not fit its size");
  std::span<const std::byte> norm_codes;
  Quantizer norms;
  if (has_norms) {
    norm_codes = reader.take(rows, what);
    norms = read_quantizer(reader, 1);
  }
  Matrix matrix{rows, columns, std::vector<float>(rows * columns)};
  for (uint64_t row = 0; row < rows; ++row) {
    const float norm = has_norms ? norms.centroid(0, static_cast<uint8_t>(norm_codes[row])).front() : 1.0F;
    float* out = matrix.values.data() + row * columns;
    for (uint64_t part = 0; part < quantizer.parts; ++part) {
      for (const float value :
           quantizer.centroid(part, static_cast<uint8_t>(codes[row * quantizer.parts + part]))) {
        *out++ = norm * value;
      }
    }
  }
  return matrix;
}

// Rows of n-grams that a hash may lead to.
uint64_t rows_of_ngrams(const Reader& reader, const FastTextFile& file) {
  if (!file.pruned) return file.maxn > 0 || file.word_ngrams > 1 ? static_cast<uint64_t>(file.bucket) : 0;
  int64_t rows = 0;
  for (const auto& [hash, row] : file.kept) {
    if (row < 0) reader.fail("a pruned n-gram has row " + std::to_string(row));
    rows = std::max(rows, int64_t{row} + 1);
  }
  return static_cast<uint64_t>(rows);
}

}  // namespace

FastTextFile read_fasttext(std::span<const std::byte> bytes, const std::string& name) {
  Reader reader(bytes, name);
  FastTextFile file;
  const auto dim = static_cast<uint64_t>(read_settings(reader, file));
  read_dictionary(reader, file);
  const bool quantized = reader.number<uint8_t>("its input matrix") != 0;
  file.input =
      quantized ? read_quantized(reader, "its input matrix") : read_dense(reader, "its input matrix");
  const bool quantized_output = reader.number<uint8_t>("its output matrix") != 0;
  file.output = quantized && quantized_output ? read_quantized(reader, "its output matrix")
                                              : read_dense(reader, "its output matrix");
  const uint64_t rows = file.words.size() + rows_of_ngrams(reader, file);
  if (file.input.columns != dim || file.input.rows < rows) {
    reader.fail("the input matrix is " + std::to_string(file.input.rows) + " x " +
                std::to_string(file.input.columns) + ", expected " + std::to_string(rows) + " x " +
                std::to_string(dim));
  }
  if (file.output.columns != dim || file.output.rows != file.labels.size()) {
    reader.fail("the output matrix is " + std::to_string(file.output.rows) + " x " +
                std::to_string(file.output.columns) + ", expected " + std::to_string(file.labels.size()) +
                " x " + std::to_string(dim));
  }
  return file;
}

}  // namespace valence::language
