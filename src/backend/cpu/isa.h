// Which kernels run here.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "backend/cpu/kernels.h"

namespace valence::backend::cpu {

constexpr std::array<const char*, 6> kIsaNames = {"scalar",     "avx2",       "avx512",
                                                  "avx512vnni", "avx512bf16", "amx"};

// The tables that this machine can run, the slowest first; "scalar" is always there.
std::vector<const Kernels*> available_kernels();

// By name, or the fastest when empty. Errors: kUsage when the name is unknown or the machine lacks the ISA.
const Kernels& choose_kernels(std::string_view name);

// choose_kernels of the environment variable VALENCE_CPU_ISA.
const Kernels& kernels_of_environment();

}  // namespace valence::backend::cpu
