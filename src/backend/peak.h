// What a core of this machine could do at most, measured in registers: the limit that benchmarks are held
// against.
#pragma once

#include "backend/backend.h"

namespace valence::backend {

// 10^9 operations a second of one thread with the ISA that make_cpu_backend() would choose, a multiplication
// and its addition counting as two: fp32 multiply-adds, the int8 or bf16 dot products where the ISA has them,
// and fp32 for NF4, which is multiplied so. The best of several runs of `seconds` in total.
double measured_peak_gflops(WeightType type, double seconds = 0.2);

}  // namespace valence::backend
