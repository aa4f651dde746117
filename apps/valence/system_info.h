// What the machine gives this process: processor, cores, limits, memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace valence::app {

struct SystemInfo {
  std::string processor;               // "AMD EPYC 9B45", or the architecture where it has no name
  int online_cores = 0;                // of the machine
  int affinity_cores = 0;              // that this process may be put on
  std::optional<double> cgroup_cores;  // quota / period; absent without a limit
  int usable_cores = 0;                // what the program takes by default
  uint64_t l1d_bytes = 0, l2_bytes = 0, l3_bytes = 0;  // 0 when unknown
  uint64_t memory_bytes = 0;                           // of the machine
  uint64_t available_bytes = 0;                        // free or reclaimable now
  std::optional<uint64_t> cgroup_memory;               // bytes; absent without a limit
};

SystemInfo read_system_info();

}  // namespace valence::app
