#include "backend/cuda/row_norm.cuh"

namespace valence::backend::cuda {
namespace {

template <typename T, int kVectors>
__global__ void normalize_rows(NormWeights norm, int64_t rows, int columns, T* x) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kRowsOfBlock + threadIdx.x / kWarp;
  if (row >= rows) return;
  T* values = x + row * columns;
  normalize_row<T, kVectors>([&](int column) { return load_vector(values + column); }, norm, columns, values);
}

}  // namespace

void normalize(const NormWeights& norm, int64_t rows, int64_t columns, Element type, void* x,
               cudaStream_t stream) {
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    with_vectors<T>(columns, [&](auto vectors) {
      normalize_rows<T, vectors.value><<<blocks_for(rows, kRowsOfBlock), kRowsOfBlock * kWarp, 0, stream>>>(
          norm, rows, static_cast<int>(columns), static_cast<T*>(x));
    });
  });
  check(cudaGetLastError(), "normalizing rows");
}

}  // namespace valence::backend::cuda
