// Products on panels, narrow last panels included, and how fp32 matrices become panels.
#pragma once

#include <cstdint>
#include <cstring>

#include "backend/cpu/kernels.h"
#include "backend/cpu/workers.h"

namespace valence::backend::cpu {

inline int64_t panels_of(const Kernels& kernels, int64_t columns) {
  return (columns + kernels.columns - 1) / kernels.columns;
}

// A few values, for which a call of memcpy takes as long as the copy.
inline void copy_row(const float* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) std::memcpy(to + i, from + i, 8 * sizeof(float));
  for (; i < count; ++i) to[i] = from[i];
}

// Calls product(rows, tile) for a panel of which only the first `count` columns exist in tile.c.
void multiply_tile(const Kernels& kernels, ProductFn product, int rows, const Tile& tile, int64_t count,
                   Scratch& scratch);

// c [rows, columns] (+)= a [rows, steps] x panels, all fp32; tile.panel is the first panel, of steps lines.
void multiply(const Kernels& kernels, int64_t rows, int64_t columns, const Tile& tile, Scratch& scratch);
// The same with a transposed: [steps, rows] with tile.a_stride between steps.
void multiply_turned(const Kernels& kernels, int64_t rows, int64_t columns, const Tile& tile,
                     Scratch& scratch);

// Rows as columns: from [columns, steps] with `stride` between rows to panels [steps][kernels.columns].
void pack_transposed(const Kernels& kernels, const float* from, int64_t stride, int64_t columns,
                     int64_t steps, float* panels);

// From [steps, columns] with `stride` between rows to panels [steps][kernels.columns].
void pack_lines(const Kernels& kernels, const float* from, int64_t stride, int64_t steps, int64_t columns,
                float* panels);

}  // namespace valence::backend::cpu
