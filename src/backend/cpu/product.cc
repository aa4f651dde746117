#include "backend/cpu/product.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/panels.h"
#include "base/error.h"
#include "tensor/floats.h"
#include "tensor/nf4.h"

namespace valence::backend::cpu {
namespace {

// Steps and columns (a block of NF4) that are laid out together: these panels stay in the second-level cache
// while the rows of the left matrix pass by, a few of them at a time in the first.
constexpr int64_t kStepBlock = 1024, kColumnBlock = tensor::kNf4Block;
// Below this many multiplications waking other threads costs more than it brings.
constexpr int64_t kParallelWork = 200'000;

// Lays blocks of the right matrix out as panels [steps][kernels.columns], zeros behind the last column.
class RightMatrix {
 public:
  RightMatrix(const Kernels& kernels, const MatrixSource& source, bool transposed)
      : kernels_(kernels), source_(source), transposed_(transposed) {
    VALENCE_CHECK(source.type != WeightType::kInt8);
  }

  // Up to kColumnBlock columns as panels, one behind the other: lines of fp32.
  void pack(Range steps, Range columns, Scratch& scratch, float* panels) const {
    if (transposed_) {
      pack_rows(steps, columns, scratch, panels);
    } else {
      pack_lines(steps, columns, panels);
    }
  }

  // As pack(), but lines of pairs of bf16, where what is stored gives those without a detour by fp32.
  bool pack_pairs(Range steps, Range columns, float* panels) const {
    if (source_.type == WeightType::kNf4) return pair_nf4(steps, columns, panels);
    return source_.type == WeightType::kBf16 && pair_bf16(steps, columns, panels);
  }

 private:
  bool pair_nf4(Range steps, Range columns, float* panels) const {
    static_assert(kNf4RowBlock == tensor::kNf4Block);
    const int64_t width = kernels_.columns, stride = source_.in_features;
    const Range values = transposed_ ? steps : columns;
    const int64_t unit = transposed_ ? kNf4RowBlock : width;
    const bool fits = stride % kNf4RowBlock == 0 && values.begin % unit == 0 && values.size() % unit == 0 &&
                      columns.size() % width == 0 && steps.size() % 2 == 0;
    if (kernels_.pair_nf4_rows == nullptr || !fits) return false;
    for (int64_t column = columns.begin; column < columns.end; column += width) {
      const int64_t first = transposed_ ? column * stride + steps.begin : steps.begin * stride + column;
      const int64_t block = first / kNf4RowBlock;
      const Nf4Rows rows{source_.nf4 + block * kNf4RowBlock / 2, source_.block_absmax + block,
                         stride / kNf4RowBlock, source_.codebook};
      if (transposed_) {
        kernels_.pair_nf4_rows(rows, steps.size(), panels);
      } else {
        kernels_.pair_nf4_lines(rows, static_cast<int>(first % kNf4RowBlock / width), steps.size(), panels);
      }
      panels += steps.size() / 2 * width;
    }
    return true;
  }

  bool pair_bf16(Range steps, Range columns, float* panels) const {
    const int64_t width = kernels_.columns, stride = source_.in_features;
    if (steps.size() % 2 != 0) return false;
    if (transposed_) {  // two values of a row are a word
      const uint16_t* first = source_.bf16 + columns.begin * stride + steps.begin;
      if (stride % 2 != 0 || reinterpret_cast<uintptr_t>(first) % sizeof(float) != 0) return false;
      pack_transposed(kernels_, reinterpret_cast<const float*>(first), stride / 2, columns.size(),
                      steps.size() / 2, panels);
      return true;
    }
    for (int64_t column = columns.begin; column < columns.end; column += width) {
      const int64_t count = std::min(width, columns.end - column);
      for (int64_t step = steps.begin; step < steps.end; step += 2, panels += width) {
        const uint16_t *even = source_.bf16 + step * stride + column, *odd = even + stride;
        uint32_t words[kColumnBlock] = {};
        for (int64_t c = 0; c < count; ++c) words[c] = even[c] | static_cast<uint32_t>(odd[c]) << 16;
        std::memcpy(panels, words, static_cast<size_t>(width) * sizeof(float));
      }
    }
    return true;
  }

  // The columns are rows of what is stored.
  void pack_rows(Range steps, Range columns, Scratch& scratch, float* panel) const {
    const int64_t stride = source_.in_features;
    if (source_.type == WeightType::kFp32) {
      pack_transposed(kernels_, source_.fp32 + columns.begin * stride + steps.begin, stride, columns.size(),
                      steps.size(), panel);
      return;
    }
    float* rows = scratch.rows.reserve(static_cast<size_t>(kColumnBlock * kStepBlock));
    for (int64_t c = 0; c < columns.size(); ++c) {
      restore((columns.begin + c) * stride + steps.begin, steps.size(), rows + c * kStepBlock);
    }
    pack_transposed(kernels_, rows, kStepBlock, columns.size(), steps.size(), panel);
  }

  void pack_lines(Range steps, Range columns, float* panels) const {
    const int64_t width = kernels_.columns, stride = source_.in_features;
    const int64_t count = panels_of(kernels_, columns.size());
    float line[kColumnBlock] = {};
    for (int64_t step = steps.begin; step < steps.end; ++step, panels += width) {
      restore(step * stride + columns.begin, columns.size(), line);
      for (int64_t panel = 0; panel < count; ++panel) {
        std::memcpy(panels + panel * steps.size() * width, line + panel * width,
                    static_cast<size_t>(width) * sizeof(float));
      }
    }
  }

  // Elements [begin, begin + count) of the row-major order.
  void restore(int64_t begin, int64_t count, float* out) const {
    switch (source_.type) {
      case WeightType::kFp32:
        std::memcpy(out, source_.fp32 + begin, static_cast<size_t>(count) * sizeof(float));
        break;
      case WeightType::kBf16:
        std::transform(source_.bf16 + begin, source_.bf16 + begin + count, out, tensor::bf16_to_float);
        break;
      case WeightType::kNf4:
        restore_nf4(begin, count, out);
        break;
      case WeightType::kInt8:
        break;
    }
  }

  void restore_nf4(int64_t begin, int64_t count, float* out) const {
    if (begin % 2 != 0) {  // rows of an odd width: the kernel wants whole bytes
      return tensor::dequantize_nf4(source_.nf4, source_.block_absmax, source_.codebook, begin, count, out);
    }
    for (const int64_t end = begin + count; begin < end;) {
      const int64_t block = begin / tensor::kNf4Block;
      const int64_t run = std::min(end, (block + 1) * tensor::kNf4Block) - begin;
      kernels_.expand_nf4_row(source_.nf4 + begin / 2, source_.block_absmax[block], source_.codebook, run,
                              out);
      begin += run;
      out += run;
    }
  }

  const Kernels& kernels_;
  const MatrixSource& source_;
  const bool transposed_;
};

// The left matrix as the kernel reads it: words of one fp32 or of two bf16.
struct LeftWords {
  const float* words = nullptr;
  int64_t stride = 0;
  bool pairs = false;
};

class MatrixProduct {
 public:
  MatrixProduct(const Kernels& kernels, const Product& product, const LeftWords& left)
      : kernels_(kernels),
        product_(product),
        right_(kernels, product.b, product.b_transposed),
        left_(left),
        words_(left.pairs ? (product.depth() + 1) / 2 : product.depth()),
        kernel_(left.pairs ? kernels.product_bf16 : kernels.product_fp32) {}

  void compute(Range rows, Range panels, Scratch& scratch) const {
    const int64_t most = left_.pairs ? kStepBlock / 2 : kStepBlock;
    const int64_t blocks = (words_ + most - 1) / most;
    const int64_t together = kColumnBlock / kernels_.columns;
    for (int64_t panel = panels.begin; panel < panels.end; panel += together) {
      for (int64_t block = 0; block < blocks; ++block) {
        compute_block(rows, piece(words_, blocks, block), {panel, std::min(panel + together, panels.end)},
                      scratch);
      }
    }
  }

 private:
  // Lays the panels out for the words of the left matrix; returns values from one panel to the next.
  int64_t pack(Range words, Range panels, Scratch& scratch, float* lines) const {
    const int64_t width = kernels_.columns, each = left_.pairs ? 2 : 1;
    const Range steps{words.begin * each, std::min(words.end * each, product_.depth())};
    const Range columns{panels.begin * width, std::min(panels.end * width, product_.columns())};
    if (left_.pairs && right_.pack_pairs(steps, columns, lines)) return words.size() * width;
    right_.pack(steps, columns, scratch, lines);
    const int64_t stride = steps.size() * width;
    for (int64_t panel = 0; left_.pairs && panel < panels.size(); ++panel) {
      kernels_.pair_bf16(lines + panel * stride, steps.size());
    }
    return stride;
  }

  void compute_block(Range rows, Range words, Range panels, Scratch& scratch) const {
    const int64_t width = kernels_.columns;
    float* lines = scratch.panel.reserve(static_cast<size_t>(kStepBlock * kColumnBlock));
    const int64_t panel_stride = pack(words, panels, scratch, lines);
    Tile tile;
    tile.a_stride = left_.stride;
    tile.steps = words.size();
    tile.c_stride = product_.c_stride;
    tile.resume = words.begin > 0 || product_.accumulate;
    const int64_t tiles = (rows.size() + kernels_.rows - 1) / kernels_.rows;
    for (int64_t t = 0; t < tiles; ++t) {
      const Range part = piece(rows.size(), tiles, t);
      const int64_t row = rows.begin + part.begin;
      tile.a = left_.words + row * left_.stride + words.begin;
      for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
        const int64_t first = panel * width, count = std::min(width, product_.columns() - first);
        tile.panel = lines + (panel - panels.begin) * panel_stride;
        tile.c = product_.c + row * product_.c_stride + first;
        multiply_tile(kernels_, kernel_, static_cast<int>(part.size()), tile, count, scratch);
        if (product_.bias != nullptr && words.end == words_)
          add_bias(tile.c, static_cast<int>(part.size()), first, count);
      }
    }
  }

  void add_bias(float* c, int rows, int64_t column, int64_t count) const {
    Finish finish;
    finish.y = c;
    finish.stride = product_.c_stride;
    finish.rows = rows;
    finish.count = count;
    finish.bias = product_.bias + column;
    kernels_.finish(finish);
  }

  const Kernels& kernels_;
  const Product& product_;
  const RightMatrix right_;
  const LeftWords left_;
  const int64_t words_;  // of a row of the left matrix
  const ProductFn kernel_;
};

// to [columns, rows] from [rows, columns], in blocks that share cache lines.
void transpose(const float* from, int64_t from_stride, Range rows, int64_t columns, float* to,
               int64_t to_stride) {
  constexpr int64_t kBlock = 16;
  for (int64_t row = rows.begin; row < rows.end; row += kBlock) {
    const int64_t row_end = std::min(row + kBlock, rows.end);
    for (int64_t column = 0; column < columns; ++column) {
      for (int64_t r = row; r < row_end; ++r) to[column * to_stride + r] = from[r * from_stride + column];
    }
  }
}

// The rows of `a` rounded to bf16, two to a word.
LeftWords rounded(const Kernels& kernels, const float* a, int64_t a_stride, int64_t rows, int64_t depth,
                  AlignedArray<float>& memory, Workers& workers, bool parallel) {
  const int64_t stride = (depth + 1) / 2 + kPaddedValues;
  float* to = memory.reserve(static_cast<size_t>(rows * stride));
  const int64_t parts = parallel ? std::min<int64_t>(rows, workers.size()) : 1;
  workers.run(parts, parallel, [&](int64_t part, Scratch&) {
    const Range range = piece(rows, parts, part);
    for (int64_t r = range.begin; r < range.end; ++r) {
      kernels.round_bf16(a + r * a_stride, depth, reinterpret_cast<uint16_t*>(to + r * stride));
    }
  });
  return {to, stride, true};
}

}  // namespace

void multiply_matrices(const Kernels& kernels, const Product& product, LeftForms& forms, Workers& workers) {
  const int64_t rows = product.rows, columns = product.columns(), depth = product.depth();
  if (rows <= 0 || columns <= 0) return;
  const bool parallel = workers.size() > 1 && rows * columns * depth > kParallelWork;
  LeftWords left{product.a, product.a_stride, false};
  if (product.a_transposed) {
    left.stride = depth + 16;
    float* to = forms.turned.reserve(static_cast<size_t>(rows * left.stride));
    const int64_t parts = parallel ? std::min<int64_t>(depth, workers.size()) : 1;
    workers.run(parts, parallel, [&](int64_t part, Scratch&) {
      transpose(product.a, product.a_stride, piece(depth, parts, part), rows, to, left.stride);
    });
    left.words = to;
  }
  if (product.bf16 && kernels.product_bf16 != nullptr) {
    left = rounded(kernels, left.words, left.stride, rows, depth, forms.words, workers, parallel);
  }
  const MatrixProduct whole(kernels, product, left);
  const int64_t panels = panels_of(kernels, columns);
  const int64_t panel_parts = parallel ? std::min<int64_t>(panels, 2 * workers.size()) : 1;
  const int64_t row_parts = parallel && panels < workers.size() ? std::min<int64_t>(rows, workers.size()) : 1;
  workers.run(row_parts * panel_parts, parallel, [&](int64_t index, Scratch& scratch) {
    whole.compute(piece(rows, row_parts, index / panel_parts),
                  piece(panels, panel_parts, index % panel_parts), scratch);
  });
}

}  // namespace valence::backend::cpu
