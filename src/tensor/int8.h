// Symmetric 8-bit weights: value = int8 * scale, one scale a row, int8 in -127..127.
#pragma once

#include <cstdint>

namespace valence::tensor {

// One row: writes values[columns] as int8 and returns the scale absmax / 127. Rounds to nearest, ties to
// even. A row of zeros gives scale 0; a row with a NaN or an infinity gives zeros and scale NaN, so that what
// is wrong in the input stays visible in every product.
float quantize_row_int8(const float* values, int64_t columns, int8_t* quantized);

// values [rows, columns] -> quantized [rows, columns], scales [rows].
void quantize_rows_int8(const float* values, int64_t rows, int64_t columns, int8_t* quantized, float* scales);

}  // namespace valence::tensor
