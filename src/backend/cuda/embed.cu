#include "backend/cuda/row_norm.cuh"

namespace valence::backend::cuda {
namespace {

template <typename T, int kVectors>
__global__ void embed_rows(EmbedInput input, NormWeights norm, T* y) {
  const int64_t token = static_cast<int64_t>(blockIdx.x) * kRowsOfBlock + threadIdx.x / kWarp;
  if (token >= input.tokens) return;
  const T* word = static_cast<const T*>(input.words) + input.ids[token] * input.columns;
  const T* position = static_cast<const T*>(input.position_rows) + input.positions[token] * input.columns;
  normalize_row<T, kVectors>(
      [&](int column) {
        Vector<T> sum = load_vector(word + column);
        const Vector<T> other = load_vector(position + column);
#pragma unroll
        for (int i = 0; i < Vector<T>::kCount; ++i) sum.values[i] += other.values[i];
        return sum;
      },
      norm, static_cast<int>(input.columns), y + token * input.columns);
}

}  // namespace

void embed(const EmbedInput& input, const NormWeights& norm, Element type, void* y, cudaStream_t stream) {
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    with_vectors<T>(input.columns, [&](auto vectors) {
      embed_rows<T, vectors.value>
          <<<blocks_for(input.tokens, kRowsOfBlock), kRowsOfBlock * kWarp, 0, stream>>>(input, norm,
                                                                                        static_cast<T*>(y));
    });
  });
  check(cudaGetLastError(), "looking up words");
}

}  // namespace valence::backend::cuda
