#include "backend/cpu/linear.h"

#include <algorithm>

#include "backend/cpu/panels.h"

namespace valence::backend::cpu {
namespace {

// Outputs that are summed up together. Where the steps take several blocks, the partial sums of such a piece
// stay in the second-level cache; rows are enough for the weights to pass by seldom.
constexpr int64_t kRowBlock = 96, kColumnBlock = 256;
// Below this many multiplications waking other threads costs more than it brings.
constexpr int64_t kParallelWork = 400'000;

// The left matrix in words, where the type asks for another form than fp32.
struct Left {
  const float* words = nullptr;
  int64_t stride = 0;
  const float* scales = nullptr;
};

// Words of a row, padded to whole vectors, and off the multiples of 4 KiB that share the sets of a cache.
int64_t padded_stride(int64_t words) {
  const int64_t stride = (words + 15) / 16 * 16 + 16;
  return stride % 1024 < 32 ? stride + 32 : stride;
}

class Product {
 public:
  Product(const PackedLinear& weight, const Left& left, const Epilogue& epilogue, float* y)
      : weight_(weight), kernels_(weight.kernels()), left_(left), epilogue_(epilogue), y_(y) {
    const bool int8 = weight.type() == WeightType::kInt8;
    const bool bf16 = weight.type() == WeightType::kBf16 && kernels_.product_bf16;
    product_ = int8 ? kernels_.product_int8 : bf16 ? kernels_.product_bf16 : kernels_.product_fp32;
    expand_ = weight.type() == WeightType::kNf4 || (weight.type() == WeightType::kBf16 && !bf16);
    // Blocks of equal size, even but for the last, as pairs of steps belong together.
    const int64_t blocks = std::max<int64_t>(1, (weight.steps() + kernels_.steps - 1) / kernels_.steps);
    block_ = std::max<int64_t>(2, ((weight.steps() + blocks - 1) / blocks + 1) / 2 * 2);
  }

  // y [rows, columns of panels], with what follows.
  void compute(Range rows, Range panels, Scratch& scratch) const {
    const int64_t together = kColumnBlock / kernels_.columns;
    for (int64_t panel = panels.begin; panel < panels.end; panel += together) {
      compute_block(rows, {panel, std::min(panel + together, panels.end)}, scratch);
    }
  }

 private:
  // The sums of an output are carried from one block of steps to the next in y, which changes no bit of them.
  void compute_block(Range rows, Range panels, Scratch& scratch) const {
    const int64_t tiles = (rows.size() + kernels_.rows - 1) / kernels_.rows;
    for (int64_t step = 0; step < weight_.steps(); step += block_) {
      const Range steps{step, std::min(step + block_, weight_.steps())};
      for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
        Tile tile;
        tile.panel = weight_.line(panel, steps.begin);
        if (expand_) tile.panel = expanded(panel, steps, scratch);
        tile.steps = steps.size();
        tile.prefetch_stride = weight_.line_bytes() / tiles;
        const std::byte* next = next_lines(panel, panels, steps);
        for (int64_t t = 0; t < tiles; ++t) {
          const Range part = piece(rows.size(), tiles, t);
          if (next) tile.prefetch = next + t * tile.steps * weight_.line_bytes() / tiles;
          compute_tile({rows.begin + part.begin, rows.begin + part.end}, panel, steps, tile, scratch);
        }
      }
    }
  }

  // What compute_block multiplies after these steps of this panel; null when that is the end.
  const std::byte* next_lines(int64_t panel, Range panels, Range steps) const {
    if (panel + 1 < panels.end) return weight_.line(panel + 1, steps.begin);
    if (steps.end < weight_.steps()) return weight_.line(panels.begin, steps.end);
    return panels.end < weight_.panels() ? weight_.line(panels.end, 0) : nullptr;
  }

  const float* expanded(int64_t panel, Range steps, Scratch& scratch) const {
    const int columns = kernels_.columns;
    float* out = scratch.panel.reserve(static_cast<size_t>(block_ * columns));
    if (weight_.type() == WeightType::kBf16) {
      kernels_.expand_bf16(reinterpret_cast<const uint16_t*>(weight_.line(panel, steps.begin)),
                           steps.size() * columns, out);
      return out;
    }
    for (int64_t step = steps.begin; step < steps.end;) {
      const int64_t run_end = std::min((step / weight_.nf4_run() + 1) * weight_.nf4_run(), steps.end);
      kernels_.expand_nf4(reinterpret_cast<const uint8_t*>(weight_.line(panel, step)),
                          weight_.nf4_scales(panel, step), weight_.codebook(), run_end - step,
                          out + (step - steps.begin) * columns);
      step = run_end;
    }
    return out;
  }

  // `tile` has its panel and what to prefetch.
  void compute_tile(Range rows, int64_t panel, Range steps, Tile& tile, Scratch& scratch) const {
    const int64_t out = weight_.out_features(), column = panel * kernels_.columns;
    const int64_t count = std::min<int64_t>(kernels_.columns, out - column);
    tile.a = left_.words + rows.begin * left_.stride + steps.begin;
    tile.a_stride = left_.stride;
    tile.c = y_ + rows.begin * out + column;
    tile.c_stride = out;
    tile.resume = steps.begin > 0;
    multiply_tile(kernels_, product_, static_cast<int>(rows.size()), tile, count, scratch);
    if (steps.end == weight_.steps()) finish(rows, column, count);
  }

  void finish(Range rows, int64_t column, int64_t count) const {
    const int64_t out = weight_.out_features();
    Finish f;
    f.y = y_ + rows.begin * out + column;
    f.stride = out;
    f.rows = static_cast<int>(rows.size());
    f.count = count;
    f.bias = weight_.bias() ? weight_.bias() + column : nullptr;
    f.addend = epilogue_.addend ? epilogue_.addend.fp32() + rows.begin * out + column : nullptr;
    f.activation = epilogue_.activation;
    f.residual = epilogue_.residual ? epilogue_.residual.fp32() + rows.begin * out + column : nullptr;
    if (weight_.type() == WeightType::kInt8) {
      f.row_scales = left_.scales + rows.begin;
      f.column_scales = weight_.column_scales() + column;
      f.compensation = weight_.compensation() + column;
    }
    kernels_.finish(f);
  }

  const PackedLinear& weight_;
  const Kernels& kernels_;
  Left left_;
  Epilogue epilogue_;
  float* y_;
  ProductFn product_;
  bool expand_;
  int64_t block_;
};

Left prepare(const PackedLinear& weight, const float* x, int64_t rows, LeftMatrix& memory, Workers& workers,
             bool parallel) {
  const Kernels& kernels = weight.kernels();
  const int64_t in = weight.in_features();
  const bool int8 = weight.type() == WeightType::kInt8;
  const bool bf16 = weight.type() == WeightType::kBf16 && kernels.product_bf16;
  if (!int8 && !bf16) return {x, in, nullptr};
  const int64_t stride = padded_stride(weight.steps());
  int32_t* words = memory.words.reserve(static_cast<size_t>(rows * stride));
  float* scales = memory.scales.reserve(static_cast<size_t>(rows));
  const int64_t parts = std::min<int64_t>(rows, parallel ? workers.size() : 1);
  workers.run(parts, parallel, [&](int64_t part, Scratch&) {
    const Range range = piece(rows, parts, part);
    for (int64_t r = range.begin; r < range.end; ++r) {
      if (int8) {
        scales[r] = kernels.quantize_row(x + r * in, in, reinterpret_cast<uint8_t*>(words + r * stride));
      } else {
        kernels.round_bf16(x + r * in, in, reinterpret_cast<uint16_t*>(words + r * stride));
      }
    }
  });
  return {reinterpret_cast<const float*>(words), stride, scales};
}

}  // namespace

void linear(const PackedLinear& weight, const float* x, int64_t rows, const Epilogue& epilogue, float* y,
            LeftMatrix& left, Workers& workers) {
  if (rows <= 0) return;
  const bool parallel =
      workers.size() > 1 && rows * weight.in_features() * weight.out_features() > kParallelWork;
  const Left words = prepare(weight, x, rows, left, workers, parallel);
  const Product product(weight, words, epilogue, y);
  const int64_t row_block = std::max<int64_t>(kRowBlock, weight.kernels().rows);
  const int64_t row_parts = (rows + row_block - 1) / row_block;
  const int64_t panel_parts =
      parallel ? std::min<int64_t>(weight.panels(), (4 * workers.size() + row_parts - 1) / row_parts) : 1;
  workers.run(row_parts * panel_parts, parallel, [&](int64_t index, Scratch& scratch) {
    product.compute(piece(rows, row_parts, index / panel_parts),
                    piece(weight.panels(), panel_parts, index % panel_parts), scratch);
  });
}

}  // namespace valence::backend::cpu
