// NVIDIA GPUs behind the Backend interface. The driver and cuBLASLt are opened when they are first asked for,
// so one program runs with and without them; where it was built without CUDA, the functions say so.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/training.h"

namespace valence::backend {

// The first GPU that the driver shows (CUDA_VISIBLE_DEVICES chooses).
struct CudaDevice {
  bool usable = false;
  std::string problem;  // what is missing, when it is not usable
  std::string name;
  std::string driver;  // the CUDA version of the driver, "13.0"; empty without a driver
  int capability_major = 0, capability_minor = 0;
  int multiprocessors = 0;
  uint64_t memory_bytes = 0, free_bytes = 0;
};
CudaDevice find_cuda_device();
// The same, looked for once. Errors: kUnavailable with its problem.
const CudaDevice& usable_cuda_device();

// A backend with a stream of its own; weights are shared between those of one type. `compute` is kFp32, or
// kBf16: activations and products in bf16, sums in fp32. Matrices of another type are converted to it, except
// NF4, which stays packed and is expanded for each product. Errors: kUnavailable with the device's problem.
std::unique_ptr<Backend> make_cuda_backend(WeightType compute);

// Training in fp32, or in TF32 where a product allows bf16. Errors: likewise.
std::unique_ptr<TrainingBackend> make_cuda_training_backend();

}  // namespace valence::backend
