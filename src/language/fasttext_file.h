// The binary files of fastText (Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification" and
// "FastText.zip"): .bin with dense matrices, .ftz with a product-quantized one and pruned n-grams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace valence::language {

struct Matrix {
  size_t rows = 0, columns = 0;
  std::vector<float> values;  // [rows, columns]
  std::span<const float> row(size_t index) const {
    return std::span(values).subspan(index * columns, columns);
  }
};

enum class FastTextLoss { kHierarchicalSoftmax = 1, kNegativeSampling = 2, kSoftmax = 3, kOneVersusAll = 4 };

// A supervised model as its file has it; every index in it is in range.
//
// Layout, little endian: magic, version; 12 numbers of settings and a double; the dictionary (counts, entries
// of word NUL count kind, pairs of the pruning); a flag and the input matrix; a flag and the output matrix. A
// matrix is rows, columns, floats; a quantized one has codes, centroids and perhaps codes of the rows' norms.
struct FastTextFile {
  FastTextLoss loss = FastTextLoss::kSoftmax;
  int32_t word_ngrams = 1;  // the longest n-gram of words
  int32_t bucket = 0;       // hashes of n-grams are taken modulo this; 0: there are none
  int32_t minn = 0, maxn = 0;
  std::vector<std::string> words;   // in the order of their rows
  std::vector<std::string> labels;  // with "__label__"
  std::vector<int64_t> label_counts;
  bool pruned = false;
  std::vector<std::pair<int32_t, int32_t>>
      kept;       // of a pruned model: hash and its row behind those of the words
  Matrix input;   // words, then n-grams
  Matrix output;  // one row for each label
};

// `name` is for messages. Quantized matrices are written out: at most 64 times the file's size. Errors:
// kBadData for anything that is not such a file, or is cut off.
FastTextFile read_fasttext(std::span<const std::byte> bytes, const std::string& name);

}  // namespace valence::language
