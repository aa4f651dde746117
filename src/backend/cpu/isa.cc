#include "backend/cpu/isa.h"

#include <cstdlib>

#include "base/error.h"

#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace valence::backend::cpu {
namespace {

std::string listed(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

#if defined(__x86_64__)
// The tiles are a process's only once it has asked Linux for them (arch/x86/include/uapi/asm/prctl.h).
bool may_use_amx() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") &&
         __builtin_cpu_supports("amx-bf16") && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

}  // namespace

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> kernels = {&scalar_kernels()};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return kernels;
  kernels.push_back(&avx2_kernels());
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")) {
    return kernels;
  }
  kernels.push_back(&avx512_kernels());
  if (!__builtin_cpu_supports("avx512vnni")) return kernels;
  kernels.push_back(&avx512vnni_kernels());
  if (!__builtin_cpu_supports("avx512bf16")) return kernels;
  kernels.push_back(&avx512bf16_kernels());
  if (may_use_amx()) kernels.push_back(&amx_kernels());
#endif
  return kernels;
}

const Kernels& choose_kernels(std::string_view name) {
  const std::vector<const Kernels*> available = available_kernels();
  if (name.empty()) return *available.back();
  std::vector<std::string_view> names;
  for (const Kernels* kernels : available) {
    if (name == kernels->name) return *kernels;
    names.push_back(kernels->name);
  }
  for (const std::string_view known : kIsaNames) {
    if (name == known) {
      throw Error(ErrorCode::kUsage,
                  "VALENCE_CPU_ISA=" + std::string(name) + ": this machine has only " + listed(names));
    }
  }
  throw Error(ErrorCode::kUsage, "VALENCE_CPU_ISA=" + printable(name, 40) + ": expected one of " +
                                     listed({kIsaNames.begin(), kIsaNames.end()}));
}

const Kernels& kernels_of_environment() {
  const char* name = std::getenv("VALENCE_CPU_ISA");
  return choose_kernels(name ? name : "");
}

}  // namespace valence::backend::cpu
