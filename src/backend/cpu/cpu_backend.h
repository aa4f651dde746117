// The Backend on the kernels of one instruction set; for tests and benchmarks, which choose it themselves.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "backend/training.h"

namespace valence::backend::cpu {

std::unique_ptr<Backend> make_backend(const Kernels& kernels, ThreadPool* pool = nullptr);
std::unique_ptr<TrainingBackend> make_training_backend(const Kernels& kernels, ThreadPool* pool = nullptr);

}  // namespace valence::backend::cpu
