// The DecodingBackend on the kernels of one instruction set, for tests, which choose it themselves.
#pragma once

#include <memory>

#include "backend/cpu/kernels.h"
#include "backend/decoding.h"

namespace valence::backend::cpu {

std::unique_ptr<DecodingBackend> make_decoding_backend(const Kernels& kernels, ThreadPool* pool = nullptr);

}  // namespace valence::backend::cpu
