// Products of training by cuBLASLt: any transposition and stride, in fp32 or TF32.
#pragma once

#include <cublasLt.h>

#include <map>
#include <tuple>

#include "backend/cuda/device.h"
#include "backend/training.h"

namespace valence::backend::cuda {

// c [rows, columns] = a x b + bias, as Product says; b is fp32 in GPU memory. `bf16` products are computed in
// TF32, which keeps three bits more. Algorithms are chosen once for each shape, the number of rows rounded up
// to a power of two.
class Products {
 public:
  void multiply(const Product& product, const float* b, void* workspace, cudaStream_t stream);

 private:
  using Key = std::tuple<bool, bool, bool, bool, bool, int64_t, int64_t, int64_t, int64_t, int64_t>;
  std::map<Key, cublasLtMatmulAlgo_t> known_;
};

}  // namespace valence::backend::cuda
