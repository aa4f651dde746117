#include "language/fasttext_model.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace valence::language {
namespace {

constexpr std::string_view kLineEnd = "</s>";
constexpr std::string_view kLabelPrefix = "__label__";
constexpr std::string_view kWhiteSpace("\n\r\t \v\f\0", 7);
constexpr uint32_t kHashStart = 2166136261U;

// FNV-1a over bytes that count as signed: a byte above 0x7F flips the upper bits too.
uint32_t hash_byte(uint32_t hash, char byte) {
  return (hash ^ static_cast<uint32_t>(static_cast<int8_t>(byte))) * 16777619U;
}

uint32_t hash_of(std::string_view word) {
  uint32_t hash = kHashStart;
  for (const char byte : word) hash = hash_byte(hash, byte);
  return hash;
}

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// What fastText calls log: it stays finite.
float safe_log(float x) { return std::log(x + 1e-5F); }

template <typename Slot>
size_t home(const std::vector<Slot>& slots, uint32_t hash) {
  return (hash * 2654435769U >> 7) & (slots.size() - 1);
}

template <typename Slot>
std::vector<Slot> empty_slots(size_t count) {
  return std::vector<Slot>(std::bit_ceil(2 * count + 2));
}

// Logistic function as fastText's loss of one against all has it: a table of 512 steps between -8 and 8.
float coarse_sigmoid(float x) {
  if (!(x >= -8)) return 0;  // NaN too
  if (x > 8) return 1;
  const auto step = static_cast<int64_t>((x + 8.0F) * 512 / 8 / 2);
  return static_cast<float>(1.0 / (1.0 + std::exp(-(static_cast<float>(step * 2 * 8) / 512 - 8))));
}

// log(1 + exp(x)) between -kEnd and kEnd, interpolated between steps of 1/64.
class SoftPlus {
 public:
  static constexpr float kEnd = 11.49F;  // exp(-11.5) is 1e-5: fastText limits probabilities there too
  SoftPlus() {
    for (size_t i = 0; i < table_.size(); ++i) {
      table_[i] = static_cast<float>(std::log1p(std::exp(static_cast<double>(i) / kSteps - kTable)));
    }
  }
  float operator()(float x) const {
    const float place = (x + kTable) * kSteps;
    const auto index = static_cast<size_t>(place);
    const float part = place - static_cast<float>(index);
    return table_[index] + part * (table_[index + 1] - table_[index]);
  }

 private:
  static constexpr float kTable = 11.5F;
  static constexpr float kSteps = 64;
  std::array<float, 2 * 23 * 32 + 2> table_;
};

void add_row(std::span<float> sum, const float* row) {
  constexpr size_t kUsual = 16;  // of lid.176: unrolled
  if (sum.size() == kUsual) {
    for (size_t i = 0; i < kUsual; ++i) sum[i] += row[i];
  } else {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += row[i];
  }
}

// a % d by two products, for a divisor that is used again and again (Lemire, Kaser, Kurz 2019).
class Modulo {
 public:
  explicit Modulo(uint32_t divisor) : divisor_(divisor), inverse_(UINT64_MAX / divisor + 1) {}
  uint32_t operator()(uint32_t a) const {
    const uint64_t fraction = inverse_ * a;
    return static_cast<uint32_t>((static_cast<unsigned __int128>(fraction) * divisor_) >> 64);
  }

 private:
  uint64_t divisor_, inverse_;
};

// The bytes of "<word>" without building it.
struct Bracketed {
  std::string_view word;
  size_t size() const { return word.size() + 2; }
  char operator[](size_t i) const { return i == 0 ? '<' : i > word.size() ? '>' : word[i - 1]; }
};

}  // namespace

FastTextModel::FastTextModel(FastTextFile file) : file_(std::move(file)) {
  slots_ = empty_slots<Slot>(file_.words.size() + file_.labels.size());
  const auto insert = [&](std::string_view word, size_t row) {
    const uint32_t hash = hash_of(word);
    size_t at = home(slots_, hash);
    while (slots_[at].row >= 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {hash, static_cast<int32_t>(row)};
  };
  for (size_t i = 0; i < file_.words.size(); ++i) insert(file_.words[i], i);
  for (size_t i = 0; i < file_.labels.size(); ++i) insert(file_.labels[i], file_.words.size() + i);
  for (const std::string& label : file_.labels) {
    labels_.push_back(label.starts_with(kLabelPrefix) ? label.substr(kLabelPrefix.size()) : label);
  }
  kept_ = empty_slots<Slot>(file_.kept.size());
  maybe_kept_.resize(kFilterBits / 64);
  for (const auto& [hash, row] : file_.kept) {
    const uint32_t bit = static_cast<uint32_t>(hash) % kFilterBits;
    maybe_kept_[bit / 64] |= uint64_t{1} << bit % 64;
    size_t at = home(kept_, static_cast<uint32_t>(hash));
    while (kept_[at].row >= 0) at = (at + 1) & (kept_.size() - 1);
    kept_[at] = {static_cast<uint32_t>(hash), row};
  }
  columns_.resize(file_.output.values.size());
  for (size_t row = 0; row < file_.output.rows; ++row) {
    for (size_t i = 0; i < dim(); ++i) columns_[i * file_.output.rows + row] = file_.output.row(row)[i];
  }
  if (file_.loss == FastTextLoss::kHierarchicalSoftmax) tree_ = LabelTree(file_.label_counts, "the model");
}

int32_t FastTextModel::find_word(std::string_view word, uint32_t hash) const {
  const size_t words = file_.words.size();
  for (size_t at = home(slots_, hash);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.row < 0) return -1;
    const auto row = static_cast<size_t>(slot.row);
    if (slot.hash == hash && (row < words ? file_.words[row] : file_.labels[row - words]) == word)
      return slot.row;
  }
}

int64_t FastTextModel::ngram_row(uint32_t bucket) const {
  const auto words = static_cast<int64_t>(file_.words.size());
  if (!file_.pruned) return words + bucket;
  const uint32_t bit = bucket % kFilterBits;
  if ((maybe_kept_[bit / 64] >> bit % 64 & 1) == 0) return -1;
  for (size_t at = home(kept_, bucket);; at = (at + 1) & (kept_.size() - 1)) {
    if (kept_[at].row < 0) return -1;
    if (kept_[at].hash == bucket) return words + kept_[at].row;
  }
}

// add(row, length of the n-gram), row -1 for an n-gram that was pruned, length 0 for the word itself.
template <typename Add>
void FastTextModel::for_each_row_of_word(std::string_view word, uint32_t hash, Add add) const {
  const int32_t known = find_word(word, hash);
  if (known >= 0 && static_cast<size_t>(known) < file_.words.size()) add(known, 0);
  if (file_.maxn <= 0 || file_.bucket == 0 || word == kLineEnd) return;
  // Some hashes first, then their rows: so many look-ups are under way at a time.
  struct Ngram {
    uint32_t bucket;
    int32_t length;
  };
  std::array<Ngram, 64> ngrams;
  size_t count = 0;
  const auto flush = [&] {
    for (size_t i = 0; i < count; ++i) add(ngram_row(ngrams[i].bucket), ngrams[i].length);
    count = 0;
  };
  const Bracketed text{word};
  const Modulo bucket_of(static_cast<uint32_t>(file_.bucket));
  for (size_t begin = 0; begin < text.size(); ++begin) {
    if (continues(text[begin])) continue;
    uint32_t ngram = kHashStart;
    size_t end = begin;
    for (int32_t length = 1; length <= file_.maxn && end < text.size(); ++length) {
      ngram = hash_byte(ngram, text[end++]);
      while (end < text.size() && continues(text[end])) ngram = hash_byte(ngram, text[end++]);
      if (length < file_.minn || (length == 1 && (begin == 0 || end == text.size()))) continue;
      ngrams[count++] = {bucket_of(ngram), length};
      if (count == ngrams.size()) flush();
    }
  }
  flush();
}

template <typename Add>
void FastTextModel::for_each_row_of_line(std::string_view line, Add add) const {
  std::vector<int32_t> hashes;
  const auto take = [&](std::string_view word) {
    const uint32_t hash = hash_of(word);
    const int32_t known = find_word(word, hash);
    const bool label =
        known < 0 ? word.starts_with(kLabelPrefix) : static_cast<size_t>(known) >= file_.words.size();
    if (label) return;
    for_each_row_of_word(word, hash, [&](int64_t row, int32_t) {
      if (row >= 0) add(static_cast<size_t>(row));
    });
    hashes.push_back(static_cast<int32_t>(hash));
  };
  for (size_t at = 0;;) {
    at = line.find_first_not_of(kWhiteSpace, at);
    if (at == line.npos) {
      take(kLineEnd);
      break;
    }
    const size_t end = std::min(line.find_first_of(kWhiteSpace, at), line.size());
    const std::string_view word = line.substr(at, end - at);
    take(word);
    if (word == kLineEnd) break;
    at = end;
  }
  if (file_.bucket == 0) return;
  for (size_t i = 0; i < hashes.size(); ++i) {
    auto ngram = static_cast<uint64_t>(int64_t{hashes[i]});
    for (size_t j = i + 1; j < hashes.size() && j - i < static_cast<size_t>(std::max(0, file_.word_ngrams));
         ++j) {
      ngram = ngram * 116049371U + static_cast<uint64_t>(int64_t{hashes[j]});
      const int64_t row = ngram_row(static_cast<uint32_t>(ngram % static_cast<uint64_t>(file_.bucket)));
      if (row >= 0) add(static_cast<size_t>(row));
    }
  }
}

FastTextModel::Coverage FastTextModel::add_word(std::string_view word, std::span<float> sum) const {
  Coverage coverage;
  for_each_row_of_word(word, hash_of(word), [&](int64_t index, int32_t length) {
    coverage.known |= length == 0;
    coverage.long_ngrams += length == file_.maxn;
    if (index < 0) return;
    coverage.known_long_ngrams += length == file_.maxn;
    ++coverage.rows;
    add_row(sum, file_.input.values.data() + static_cast<size_t>(index) * sum.size());
  });
  return coverage;
}

size_t FastTextModel::add_line_end(std::span<float> sum) const { return add_word(kLineEnd, sum).rows; }

void FastTextModel::output_scores(std::span<const float> hidden, std::span<float> out) const {
  for (size_t i = 0; i < out.size(); ++i) {
    const float* row = file_.output.values.data() + i * hidden.size();
    float sum = 0;
    for (size_t j = 0; j < hidden.size(); ++j) sum += row[j] * hidden[j];
    out[i] = sum;
  }
}

void FastTextModel::scores_to_probabilities(std::span<float> scores) const {
  if (file_.loss != FastTextLoss::kSoftmax) {
    for (float& score : scores) score = coarse_sigmoid(score);
    return;
  }
  const float largest = *std::max_element(scores.begin(), scores.end());
  float sum = 0;
  for (float& score : scores) sum += score = std::exp(score - largest);
  for (float& score : scores) score /= sum;
}

void FastTextModel::log_probabilities(std::span<const float> hidden, std::span<float> out) const {
  if (file_.loss != FastTextLoss::kHierarchicalSoftmax) {
    output_scores(hidden, out);
    scores_to_probabilities(out);
    for (float& value : out) value = safe_log(value);
    return;
  }
  // From the root down; a node's own score is kept until its children have theirs.
  const auto& nodes = tree_.nodes();
  if (nodes.empty()) {
    out[0] = 0;
    return;
  }
  thread_local std::vector<float> inner;
  inner.resize(nodes.size());
  output_scores(hidden, inner);
  for (float& score : inner) score = 1 / (1 + std::exp(-score));
  thread_local std::vector<float> scores;
  scores.assign(nodes.size(), 0.0F);
  for (size_t i = nodes.size(); i-- > 0;) {
    const auto place = [&](uint32_t child) -> float& {
      return child < tree_.leaves() ? out[child] : scores[child - tree_.leaves()];
    };
    place(nodes[i].left) = scores[i] + safe_log(1 - inner[i]);
    place(nodes[i].right) = scores[i] + safe_log(inner[i]);
  }
}

void FastTextModel::estimate_log_probabilities(std::span<const float> hidden, std::span<float> out) const {
  const auto& nodes = tree_.nodes();
  if (nodes.empty()) return log_probabilities(hidden, out);
  static const SoftPlus softplus;
  const size_t labels = labels_.size();
  thread_local std::vector<float> inner, scores;
  inner.assign(labels, 0.0F);
  for (size_t i = 0; i < hidden.size(); ++i) {
    const float* column = columns_.data() + i * labels;
    const float factor = hidden[i];
    for (size_t j = 0; j < labels; ++j) inner[j] += factor * column[j];
  }
  // Labels and inner nodes in one array: a child's number is its place.
  scores.resize(labels + nodes.size());
  scores.back() = 0;
  // In this order NaN, which a broken model may lead to, counts as the least.
  for (float& value : inner) value = std::min(std::max(-SoftPlus::kEnd, value), SoftPlus::kEnd);
  for (size_t i = nodes.size(); i-- > 0;) {
    const float left = scores[labels + i] - softplus(inner[i]);
    scores[nodes[i].left] = left;
    scores[nodes[i].right] = left + inner[i];
  }
  std::copy_n(scores.begin(), labels, out.begin());
}

std::vector<Candidate> FastTextModel::best(std::string_view line, size_t count) const {
  std::vector<float> hidden(dim()), scores(labels_.size());
  size_t rows = 0;
  for_each_row_of_line(line, [&](size_t index) {
    const auto row = file_.input.row(index);
    for (size_t i = 0; i < hidden.size(); ++i) hidden[i] += row[i];
    ++rows;
  });
  if (rows == 0) return {};
  for (float& value : hidden) value *= 1.0F / static_cast<float>(rows);
  log_probabilities(hidden, scores);
  std::vector<Candidate> candidates(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) candidates[i] = {i, std::max(0.0F, std::exp(scores[i]))};
  count = std::min(count, candidates.size());
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(count), candidates.end(),
                    [](const Candidate& a, const Candidate& b) {
                      return a.probability != b.probability ? a.probability > b.probability
                                                            : a.label < b.label;
                    });
  candidates.resize(count);
  return candidates;
}

}  // namespace valence::language
