#include "backend/cpu/product.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/panels.h"
#include "base/error.h"

namespace valence::backend::cpu {
namespace {

// A block of the left matrix stays in the second-level cache while the panels of a block of steps pass by,
// each of which fits the first level (Goto and van de Geijn 2008).
constexpr int64_t kRowBlock = 240, kStepBlock = 256;
// Below this many multiplications waking other threads costs more than it brings.
constexpr int64_t kParallelWork = 200'000;

// Lays blocks of the right matrix out as a panel [steps][kernels.columns], zeros behind the last column.
class RightMatrix {
 public:
  RightMatrix(const Kernels& kernels, const MatrixSource& source, bool transposed)
      : kernels_(kernels), source_(source), transposed_(transposed) {
    VALENCE_CHECK(source.type != WeightType::kInt8);
  }

  void pack(Range steps, Range columns, Scratch& scratch, float* panel) const {
    if (transposed_) {
      pack_rows(steps, columns, scratch, panel);
    } else {
      pack_lines(steps, columns, panel);
    }
  }

 private:
  // The columns are rows of what is stored.
  void pack_rows(Range steps, Range columns, Scratch& scratch, float* panel) const {
    const int64_t stride = source_.in_features;
    if (source_.type == WeightType::kFp32) {
      pack_transposed(kernels_, source_.fp32 + columns.begin * stride + steps.begin, stride, columns.size(),
                      steps.size(), panel);
      return;
    }
    float* rows = scratch.tile.reserve(static_cast<size_t>(kernels_.columns * kStepBlock));
    for (int64_t c = 0; c < columns.size(); ++c) {
      restore((columns.begin + c) * stride + steps.begin, steps.size(), rows + c * kStepBlock);
    }
    pack_transposed(kernels_, rows, kStepBlock, columns.size(), steps.size(), panel);
  }

  void pack_lines(Range steps, Range columns, float* panel) const {
    const int64_t width = kernels_.columns, stride = source_.in_features;
    for (int64_t step = steps.begin; step < steps.end; ++step, panel += width) {
      restore(step * stride + columns.begin, columns.size(), panel);
      std::fill(panel + columns.size(), panel + width, 0.0f);
    }
  }

  // Elements [begin, begin + count) of the row-major order.
  void restore(int64_t begin, int64_t count, float* out) const {
    switch (source_.type) {
      case WeightType::kFp32:
        std::memcpy(out, source_.fp32 + begin, static_cast<size_t>(count) * sizeof(float));
        break;
      case WeightType::kBf16:
        for (int64_t i = 0; i < count; ++i) {
          const uint32_t bits = static_cast<uint32_t>(source_.bf16[begin + i]) << 16;
          std::memcpy(out + i, &bits, sizeof bits);
        }
        break;
      case WeightType::kNf4:
        restore_nf4(begin, count, out);
        break;
      case WeightType::kInt8:
        break;
    }
  }

  void restore_nf4(int64_t begin, int64_t count, float* out) const {
    constexpr int64_t kBlock = 64;
    for (const int64_t end = begin + count; begin < end;) {
      const int64_t run = std::min(end, (begin / kBlock + 1) * kBlock) - begin;
      const float scale = source_.block_absmax[begin / kBlock];
      if (begin % 2 == 0) {
        kernels_.expand_nf4_row(source_.nf4 + begin / 2, scale, source_.codebook, run, out);
      } else {
        for (int64_t i = 0; i < run; ++i) {
          const int64_t at = begin + i;
          const int code = at % 2 == 0 ? source_.nf4[at / 2] >> 4 : source_.nf4[at / 2] & 15;
          out[i] = source_.codebook[code] * scale;
        }
      }
      begin += run;
      out += run;
    }
  }

  const Kernels& kernels_;
  const MatrixSource& source_;
  const bool transposed_;
};

class MatrixProduct {
 public:
  MatrixProduct(const Kernels& kernels, const Product& product, const float* a, int64_t a_stride)
      : kernels_(kernels),
        product_(product),
        right_(kernels, product.b, product.b_transposed),
        a_(a),
        a_stride_(a_stride) {}

  void compute(Range rows, Range panels, Scratch& scratch) const {
    for (int64_t row = rows.begin; row < rows.end; row += kRowBlock) {
      const Range block{row, std::min(row + kRowBlock, rows.end)};
      for (int64_t step = 0; step < product_.depth(); step += kStepBlock) {
        const Range steps{step, std::min(step + kStepBlock, product_.depth())};
        for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
          compute_panel(block, steps, panel, scratch);
        }
      }
    }
  }

 private:
  void compute_panel(Range rows, Range steps, int64_t panel, Scratch& scratch) const {
    const int64_t first = panel * kernels_.columns;
    const Range columns{first, std::min(first + kernels_.columns, product_.columns())};
    float* lines = scratch.panel.reserve(static_cast<size_t>(kStepBlock * kernels_.columns));
    right_.pack(steps, columns, scratch, lines);
    Tile tile;
    tile.a_stride = a_stride_;
    tile.panel = lines;
    tile.steps = steps.size();
    tile.c_stride = product_.c_stride;
    tile.resume = steps.begin > 0 || product_.accumulate;
    const int64_t tiles = (rows.size() + kernels_.rows - 1) / kernels_.rows;
    for (int64_t t = 0; t < tiles; ++t) {
      const Range part = piece(rows.size(), tiles, t);
      const int64_t row = rows.begin + part.begin;
      tile.a = a_ + row * a_stride_ + steps.begin;
      tile.c = product_.c + row * product_.c_stride + first;
      multiply_tile(kernels_, kernels_.product_fp32, static_cast<int>(part.size()), tile, columns.size(),
                    scratch);
    }
    if (product_.bias == nullptr || steps.end < product_.depth()) return;
    Finish finish;
    finish.y = product_.c + rows.begin * product_.c_stride + first;
    finish.stride = product_.c_stride;
    finish.rows = static_cast<int>(rows.size());
    finish.count = columns.size();
    finish.bias = product_.bias + first;
    kernels_.finish(finish);
  }

  const Kernels& kernels_;
  const Product& product_;
  const RightMatrix right_;
  const float* a_;
  const int64_t a_stride_;
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

}  // namespace

void multiply_matrices(const Kernels& kernels, const Product& product, AlignedArray<float>& left,
                       Workers& workers) {
  const int64_t rows = product.rows, columns = product.columns(), depth = product.depth();
  if (rows <= 0 || columns <= 0) return;
  const bool parallel = workers.size() > 1 && rows * columns * depth > kParallelWork;
  const float* a = product.a;
  int64_t a_stride = product.a_stride;
  if (product.a_transposed) {
    a_stride = depth + 16;
    float* to = left.reserve(static_cast<size_t>(rows * a_stride));
    const int64_t parts = parallel ? std::min<int64_t>(depth, workers.size()) : 1;
    workers.run(parts, parallel, [&](int64_t part, Scratch&) {
      transpose(product.a, product.a_stride, piece(depth, parts, part), rows, to, a_stride);
    });
    a = to;
  }
  const MatrixProduct whole(kernels, product, a, a_stride);
  const int64_t panels = panels_of(kernels, columns);
  const int64_t panel_parts = parallel ? std::min<int64_t>(panels, 4 * workers.size()) : 1;
  const int64_t row_parts = parallel && panels < workers.size() ? std::min<int64_t>(rows, workers.size()) : 1;
  workers.run(row_parts * panel_parts, parallel, [&](int64_t index, Scratch& scratch) {
    whole.compute(piece(rows, row_parts, index / panel_parts),
                  piece(panels, panel_parts, index % panel_parts), scratch);
  });
}

}  // namespace valence::backend::cpu
