// Products of tiles and what follows them, for kernels_vector.h, which says what `Isa` is.
#pragma once

#include "backend/cpu/kernels.h"
#include "backend/cpu/vector_functions.h"

namespace valence::backend::cpu {

// `Dot` is Isa's way to multiply a broadcast word of the left matrix with a line of a panel, or two words
// with two lines (kPairs). Two vectors a line and `rows` rows: 2 * rows accumulators, which must stay in
// registers.
template <class Dot, int rows, bool turned>
void product_rows(const Tile& tile) {
  using Sum = typename Dot::Sum;
  constexpr int lanes = Dot::kLanes;
  Sum sum[rows][2];
  float* c = tile.c;
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    sum[r][0] = tile.resume ? Dot::load_sum(c + r * tile.c_stride) : Dot::zero();
    sum[r][1] = tile.resume ? Dot::load_sum(c + r * tile.c_stride + lanes) : Dot::zero();
  }
  const char* line = static_cast<const char*>(tile.panel);
  const char* ahead = tile.prefetch ? static_cast<const char*>(tile.prefetch) : line;
  const float* a = static_cast<const float*>(tile.a);
  const int64_t stride = turned ? 1 : tile.a_stride;
  int64_t step = 0;
  if constexpr (Dot::kPairs) {
    static_assert(!turned);
    for (; step + 2 <= tile.steps; step += 2) {
      __builtin_prefetch(ahead, 0, 2);
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) {
        const auto word = Dot::broadcast(a + r * stride), next = Dot::broadcast(a + r * stride + 1);
        sum[r][0] = Dot::add_dots(sum[r][0], word, Dot::load_line(line, 0), next, Dot::load_line(line, 2));
        sum[r][1] = Dot::add_dots(sum[r][1], word, Dot::load_line(line, 1), next, Dot::load_line(line, 3));
      }
      line += 2 * Dot::kLineBytes;
      ahead += 2 * tile.prefetch_stride;
      a += 2;
    }
  }
  for (; step < tile.steps; ++step) {
    __builtin_prefetch(ahead, 0, 2);
    const auto left = Dot::load_line(line, 0);
    const auto right = Dot::load_line(line, 1);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const auto word = Dot::broadcast(a + r * stride);
      sum[r][0] = Dot::add_dot(sum[r][0], word, left);
      sum[r][1] = Dot::add_dot(sum[r][1], word, right);
    }
    line += Dot::kLineBytes;
    ahead += tile.prefetch_stride;
    a += turned ? tile.a_stride : 1;
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    Dot::store_sum(c + r * tile.c_stride, sum[r][0]);
    Dot::store_sum(c + r * tile.c_stride + lanes, sum[r][1]);
  }
}

template <class Dot, int rows, bool turned>
void product_up_to(int wanted, const Tile& tile) {
  if constexpr (rows > 0) {
    if (wanted == rows) {
      product_rows<Dot, rows, turned>(tile);
    } else {
      product_up_to<Dot, rows - 1, turned>(wanted, tile);
    }
  }
}

template <class Dot, bool turned = false>
void product(int rows, const Tile& tile) {
  product_up_to<Dot, Dot::kRows, turned>(rows, tile);
}

// A vector of columns, or of the last one the first n of its lanes, in all rows.
template <class Isa, Activation activation, bool int8, bool whole>
void finish_columns(const Finish& f, int64_t column, int64_t n) {
  using F = typename Isa::F;
  const auto load = [n](const float* p) {
    if constexpr (whole) return Isa::load(p);
    return Isa::load_part(p, n);
  };
  const F bias = f.bias ? load(f.bias + column) : Isa::set(0.0f);
  F column_scales = Isa::set(1.0f);
  if constexpr (int8) column_scales = load(f.column_scales + column);
  for (int r = 0; r < f.rows; ++r) {
    const int64_t at = r * f.stride + column;
    F value;
    if constexpr (int8) {
      // The operations of every ISA round alike here: the same integers give the same bits.
      const F scale = Isa::mul(Isa::set(f.row_scales[r]), column_scales);
      value = Isa::mul(Isa::int_difference(f.y + at, f.compensation + column, n), scale);
    } else {
      value = load(f.y + at);
    }
    if (f.bias) value = Isa::add(value, bias);
    if (f.addend) value = Isa::add(value, load(f.addend + at));
    value = activate<Isa>(activation, value);
    if (f.residual) value = Isa::add(value, load(f.residual + at));
    if constexpr (whole) {
      Isa::store(f.y + at, value);
    } else {
      Isa::store_part(f.y + at, value, n);
    }
  }
}

template <class Isa, Activation activation, bool int8>
void finish_tile(const Finish& f) {
  int64_t column = 0;
  for (; column + Isa::kLanes <= f.count; column += Isa::kLanes)
    finish_columns<Isa, activation, int8, true>(f, column, Isa::kLanes);
  if (column < f.count) finish_columns<Isa, activation, int8, false>(f, column, f.count - column);
}

template <class Isa, Activation activation>
void finish_activated(const Finish& f) {
  if (f.column_scales) {
    finish_tile<Isa, activation, true>(f);
  } else {
    finish_tile<Isa, activation, false>(f);
  }
}

template <class Isa>
void finish(const Finish& f) {
  switch (f.activation) {
    case Activation::kNone:
      return finish_activated<Isa, Activation::kNone>(f);
    case Activation::kGelu:
      return finish_activated<Isa, Activation::kGelu>(f);
    case Activation::kGeluTanh:
      return finish_activated<Isa, Activation::kGeluTanh>(f);
    case Activation::kRelu:
      return finish_activated<Isa, Activation::kRelu>(f);
    case Activation::kTanh:
      return finish_activated<Isa, Activation::kTanh>(f);
    case Activation::kSilu:
      return finish_activated<Isa, Activation::kSilu>(f);
  }
}

}  // namespace valence::backend::cpu
