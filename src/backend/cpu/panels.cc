#include "backend/cpu/panels.h"

#include <algorithm>
#include <cstring>

namespace valence::backend::cpu {
namespace {

using Four = float __attribute__((vector_size(16)));

Four load_four(const float* p) {
  Four v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Four rows of `steps` values to four columns: to[step * width + r] = rows[r * stride + step].
void turn_four(const float* rows, int64_t stride, int64_t steps, float* to, int64_t width) {
  const float *a = rows, *b = rows + stride, *c = rows + 2 * stride, *d = rows + 3 * stride;
  int64_t step = 0;
  for (; step + 4 <= steps; step += 4) {
    const Four w = load_four(a + step), x = load_four(b + step), y = load_four(c + step),
               z = load_four(d + step);
    const Four low = __builtin_shufflevector(w, x, 0, 4, 1, 5),
               high = __builtin_shufflevector(w, x, 2, 6, 3, 7),
               low_2 = __builtin_shufflevector(y, z, 0, 4, 1, 5),
               high_2 = __builtin_shufflevector(y, z, 2, 6, 3, 7);
    const Four columns[4] = {
        __builtin_shufflevector(low, low_2, 0, 1, 4, 5), __builtin_shufflevector(low, low_2, 2, 3, 6, 7),
        __builtin_shufflevector(high, high_2, 0, 1, 4, 5), __builtin_shufflevector(high, high_2, 2, 3, 6, 7)};
    for (int k = 0; k < 4; ++k) std::memcpy(to + (step + k) * width, &columns[k], sizeof columns[k]);
  }
  for (; step < steps; ++step) {
    float* column = to + step * width;
    column[0] = a[step];
    column[1] = b[step];
    column[2] = c[step];
    column[3] = d[step];
  }
}

void copy(const float* from, int64_t from_stride, float* to, int64_t to_stride, int64_t rows, int64_t count) {
  for (int64_t r = 0; r < rows; ++r) {
    std::memcpy(to + r * to_stride, from + r * from_stride, static_cast<size_t>(count) * sizeof(float));
  }
}

// In tiles of nearly equal numbers of rows, which are `row_stride` words of a apart.
void multiply_tiles(const Kernels& kernels, ProductFn product, int64_t row_stride, int64_t rows,
                    int64_t columns, const Tile& whole, Scratch& scratch) {
  if (rows <= 0) return;
  const int64_t tiles = (rows + kernels.rows - 1) / kernels.rows;
  const int64_t least = rows / tiles, longer = rows % tiles;
  for (int64_t column = 0; column < columns; column += kernels.columns) {
    Tile tile = whole;
    tile.panel = static_cast<const float*>(whole.panel) + column * whole.steps;
    for (int64_t t = 0, row = 0; t < tiles; ++t) {
      const int64_t size = least + (t < longer ? 1 : 0);
      tile.a = static_cast<const float*>(whole.a) + row * row_stride;
      tile.c = whole.c + row * whole.c_stride + column;
      multiply_tile(kernels, product, static_cast<int>(size), tile, columns - column, scratch);
      row += size;
    }
  }
}

}  // namespace

void multiply_tile(const Kernels& kernels, ProductFn product, int rows, const Tile& tile, int64_t count,
                   Scratch& scratch) {
  if (count >= kernels.columns) return product(rows, tile);
  // A kernel writes whole panels: the columns that exist go through scratch memory.
  Tile whole = tile;
  whole.c = scratch.tile.reserve(static_cast<size_t>(kernels.rows) * static_cast<size_t>(kernels.columns));
  whole.c_stride = kernels.columns;
  if (tile.resume) copy(tile.c, tile.c_stride, whole.c, whole.c_stride, rows, count);
  product(rows, whole);
  copy(whole.c, whole.c_stride, tile.c, tile.c_stride, rows, count);
}

void multiply(const Kernels& kernels, int64_t rows, int64_t columns, const Tile& whole, Scratch& scratch) {
  multiply_tiles(kernels, kernels.product_fp32, whole.a_stride, rows, columns, whole, scratch);
}

void multiply_turned(const Kernels& kernels, int64_t rows, int64_t columns, const Tile& whole,
                     Scratch& scratch) {
  multiply_tiles(kernels, kernels.product_turned_fp32, 1, rows, columns, whole, scratch);
}

void pack_transposed(const Kernels& kernels, const float* from, int64_t stride, int64_t columns,
                     int64_t steps, float* panels) {
  const int64_t width = kernels.columns;
  for (int64_t column = 0; column < columns; column += width, panels += steps * width) {
    const int64_t count = std::min(width, columns - column);
    int64_t j = 0;
    for (; j + 4 <= count; j += 4) turn_four(from + (column + j) * stride, stride, steps, panels + j, width);
    for (; j < width; ++j) {
      const float* row = from + (column + j) * stride;
      for (int64_t step = 0; step < steps; ++step) panels[step * width + j] = j < count ? row[step] : 0.0f;
    }
  }
}

void pack_lines(const Kernels& kernels, const float* from, int64_t stride, int64_t steps, int64_t columns,
                float* panels) {
  const int64_t width = kernels.columns;
  for (int64_t column = 0; column < columns; column += width) {
    const int64_t count = std::min(width, columns - column);
    for (int64_t step = 0; step < steps; ++step, panels += width) {
      copy_row(from + step * stride + column, count, panels);
      std::fill(panels + count, panels + width, 0.0f);
    }
  }
}

}  // namespace valence::backend::cpu
