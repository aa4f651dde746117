// AVX-512 with AMX: int8 and bf16 products of whole tiles, 16 rows of 64 bytes each.
//
// The eight tile registers hold 32 x 32 outputs, which are 2 x 2 tiles, the two tiles of rows of the left
// matrix and the two of a panel that sixteen steps multiply. A panel has the layout that these instructions
// ask for. The source of the instructions and of their roundings is Intel's manual of instruction-set
// extensions: a tile's bf16 products of sixteen steps are summed for even and for odd values apart, then
// added to the output, so that again no output depends on the rows around it.
#include "backend/cpu/avx512.h"

namespace valence::backend::cpu {
namespace {

constexpr int kTileRows = 16, kTileSteps = 16;
constexpr int kGroupRows = 2 * kTileRows;  // of outputs that the registers hold
constexpr int kRows = 8 * kGroupRows;  // of a call: configuring the tiles takes as long as five steps of them
constexpr int kColumns = 32;
constexpr int64_t kLineBytes = kColumns * 4;

// What ldtilecfg reads.
struct TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// Outputs in tiles 0 and 1 (the first rows), 2 and 3; the left matrix in 4 and 5, the panel in 6 and 7.
void configure_tiles(int first_rows, int second_rows) {
  const int rows[8] = {first_rows, first_rows,  second_rows, second_rows,
                       first_rows, second_rows, kTileSteps,  kTileSteps};
  TileShapes shapes;
  for (int i = 0; i < 8; ++i) {
    if (rows[i] <= 0) continue;
    shapes.rows[i] = static_cast<uint8_t>(rows[i]);
    shapes.row_bytes[i] = 64;
  }
  asm volatile("ldtilecfg %0" : : "m"(shapes));
}

// sums += left x panel, of the tiles of the first rows or of the second.
struct DotInt8 {
  static void first() {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
  }
  static void second() {
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
};

struct DotBf16 {
  static void first() {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
  }
  static void second() {
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
};

// The steps of `tile` are a multiple of kTileSteps. Where there is no second tile of rows nothing touches it.
template <class Dot, bool two>
void multiply_steps(const Tile& tile) {
  const int64_t a_bytes = tile.a_stride * 4, c_bytes = tile.c_stride * 4;
  float* const c = tile.c;
  float* const second_c = c + kTileRows * tile.c_stride;
  if (tile.resume) {
    _tile_loadd(0, c, c_bytes);
    _tile_loadd(1, c + 16, c_bytes);
    if constexpr (two) {
      _tile_loadd(2, second_c, c_bytes);
      _tile_loadd(3, second_c + 16, c_bytes);
    }
  } else {
    // The lines that will be written, often from the third-level cache.
    for (int r = 0; r < (two ? kGroupRows : kTileRows); ++r) {
      __builtin_prefetch(c + r * tile.c_stride, 1, 3);
      __builtin_prefetch(c + r * tile.c_stride + 16, 1, 3);
    }
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (two) {
      _tile_zero(2);
      _tile_zero(3);
    }
  }
  const char* a = static_cast<const char*>(tile.a);
  const char* panel = static_cast<const char*>(tile.panel);
  const char* ahead = static_cast<const char*>(tile.prefetch);
  for (int64_t step = 0; step < tile.steps; step += kTileSteps) {
    if (ahead != nullptr) {
      for (int i = 0; i < kTileSteps; ++i, ahead += tile.prefetch_stride) __builtin_prefetch(ahead, 0, 2);
    }
    _tile_loadd(6, panel, kLineBytes);
    _tile_loadd(7, panel + 64, kLineBytes);
    _tile_loadd(4, a, a_bytes);
    Dot::first();
    if constexpr (two) {
      _tile_loadd(5, a + kTileRows * a_bytes, a_bytes);
      Dot::second();
    }
    a += kTileSteps * 4;
    panel += kTileSteps * kLineBytes;
  }
  _tile_stored(0, c, c_bytes);
  _tile_stored(1, c + 16, c_bytes);
  if constexpr (two) {
    _tile_stored(2, second_c, c_bytes);
    _tile_stored(3, second_c + 16, c_bytes);
  }
}

// A product of up to kRows rows by a kernel of vectors; row_words lie between two rows of the left matrix.
void multiply_by_vectors(ProductFn product, int rows, Tile tile, int64_t row_words) {
  const int parts = (rows + FloatSums::kRows - 1) / FloatSums::kRows;
  for (int part = 0, row = 0; part < parts; ++part) {
    const int count = (rows - row + parts - part - 1) / (parts - part);
    product(count, tile);
    tile.a = static_cast<const float*>(tile.a) + count * row_words;
    tile.c += count * tile.c_stride;
    row += count;
  }
}

// The whole tiles of steps, a group of rows after the other.
template <class Dot>
void multiply_groups(int rows, Tile tile) {
  int configured = 0;
  for (int row = 0; row < rows; row += kGroupRows) {
    const int count = rows - row < kGroupRows ? rows - row : kGroupRows;
    if (count != configured) configure_tiles(count < kTileRows ? count : kTileRows, count - kTileRows);
    configured = count;
    if (count > kTileRows) {
      multiply_steps<Dot, true>(tile);
    } else {
      multiply_steps<Dot, false>(tile);
    }
    tile.a = static_cast<const float*>(tile.a) + kGroupRows * tile.a_stride;
    tile.c += kGroupRows * tile.c_stride;
    tile.prefetch = nullptr;  // it is on its way
  }
  _tile_release();
}

// `rest` multiplies what is left of the steps behind the last whole tile.
template <class Dot>
void product_of_tiles(int rows, const Tile& tile, ProductFn rest) {
  Tile part = tile;
  part.steps = tile.steps / kTileSteps * kTileSteps;
  if (part.steps > 0) {
    multiply_groups<Dot>(rows, part);
    if (part.steps == tile.steps) return;
    part.resume = true;
  }
  part.a = static_cast<const float*>(tile.a) + part.steps;
  part.panel = static_cast<const char*>(tile.panel) + part.steps * kLineBytes;
  part.steps = tile.steps - part.steps;
  multiply_by_vectors(rest, rows, part, tile.a_stride);
}

void product_int8(int rows, const Tile& tile) {
  product_of_tiles<DotInt8>(rows, tile, avx512bf16_kernels().product_int8);
}

void product_bf16(int rows, const Tile& tile) {
  product_of_tiles<DotBf16>(rows, tile, avx512bf16_kernels().product_bf16);
}

void product_fp32(int rows, const Tile& tile) {
  multiply_by_vectors(avx512bf16_kernels().product_fp32, rows, tile, tile.a_stride);
}

void product_turned_fp32(int rows, const Tile& tile) {
  multiply_by_vectors(avx512bf16_kernels().product_turned_fp32, rows, tile, 1);
}

template <class Dot>
void run_peak(int64_t rounds) {
  configure_tiles(kTileRows, kTileRows);
  for (; rounds > 0; --rounds) {
    Dot::first();
    Dot::second();
  }
  _tile_release();
}

Kernels make_kernels() {
  Kernels k = avx512bf16_kernels();
  k.name = "amx";
  k.rows = kRows;
  k.product_fp32 = product_fp32;
  k.product_turned_fp32 = product_turned_fp32;
  k.product_int8 = product_int8;
  k.product_bf16 = product_bf16;
  constexpr int64_t kOutputs = kGroupRows * kColumns;
  k.peak_int8 = {run_peak<DotInt8>, kOutputs * kTileSteps * 4 * 2};
  k.peak_bf16 = {run_peak<DotBf16>, kOutputs * kTileSteps * 2 * 2};
  return k;
}

}  // namespace

const Kernels& amx_kernels() {
  static const Kernels kernels = make_kernels();
  return kernels;
}

}  // namespace valence::backend::cpu
