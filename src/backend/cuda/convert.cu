#include "backend/cuda/vectors.cuh"

namespace valence::backend::cuda {
namespace {

constexpr int kThreads = 256;

template <typename T>
__global__ void from_fp32(const float* source, int64_t count, T* out) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) out[i] = from_float<T>(source[i]);
}

template <typename T>
__global__ void from_bf16(const uint16_t* source, int64_t count, T* out) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) out[i] = from_float<T>(__uint_as_float(static_cast<uint32_t>(source[i]) << 16));
}

template <typename T>
__global__ void from_int8(const int8_t* source, const float* row_scales, int64_t columns, int64_t count,
                          T* out) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) out[i] = from_float<T>(static_cast<float>(source[i]) * row_scales[i / columns]);
}

// Eight values a thread: 4 bytes of codes in, 16 or 32 bytes out. `codes` and `out` are whole allocations, of
// whose last eight values only `count` are written.
template <typename T>
__global__ void from_nf4(const uint8_t* codes, const float* absmax, const float* codebook, int64_t count,
                         T* out) {
  __shared__ float book[16];
  if (threadIdx.x < 16) book[threadIdx.x] = codebook[threadIdx.x];
  __syncthreads();
  const int64_t first = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * 8;
  if (first >= count) return;
  const float scale = absmax[first / 64];
  if (first + 8 > count) {
    for (int64_t i = first; i < count; ++i) {
      const int code = i % 2 == 0 ? codes[i / 2] >> 4 : codes[i / 2] & 15;
      out[i] = from_float<T>(book[code] * scale);
    }
    return;
  }
  const uchar4 packed = *reinterpret_cast<const uchar4*>(codes + first / 2);
  const uint8_t bytes[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
  for (int k = 0; k < 8; k += Vector<T>::kCount) {
    Vector<T> vector;
#pragma unroll
    for (int i = 0; i < Vector<T>::kCount; ++i) {
      const uint8_t pair = bytes[(k + i) / 2];
      vector.values[i] = book[(k + i) % 2 == 0 ? pair >> 4 : pair & 15] * scale;
    }
    store_vector(vector, out + first + k);
  }
}

}  // namespace

void convert(const MatrixSource& source, Element type, void* out, cudaStream_t stream) {
  const int64_t columns = source.in_features, count = source.out_features * columns;
  const unsigned blocks = blocks_for(count, kThreads);
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    T* to = static_cast<T*>(out);
    switch (source.type) {
      case WeightType::kFp32:
        from_fp32<<<blocks, kThreads, 0, stream>>>(source.fp32, count, to);
        break;
      case WeightType::kBf16:
        from_bf16<<<blocks, kThreads, 0, stream>>>(source.bf16, count, to);
        break;
      case WeightType::kInt8:
        from_int8<<<blocks, kThreads, 0, stream>>>(source.int8, source.row_scales, columns, count, to);
        break;
      case WeightType::kNf4:
        from_nf4<<<blocks_for(count, 8 * kThreads), kThreads, 0, stream>>>(source.nf4, source.block_absmax,
                                                                           source.codebook, count, to);
        break;
    }
  });
  check(cudaGetLastError(), "converting weights");
}

}  // namespace valence::backend::cuda
