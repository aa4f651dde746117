#include "system_info.h"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "base/threads.h"

namespace valence::app {
namespace {

// The value of the first line "key : value" of a file of /proc; empty when there is none.
std::string proc_field(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || line.compare(0, key.size(), key) != 0) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

uint64_t leading_number(const std::string& text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string processor_name() {
  if (std::string name = proc_field("/proc/cpuinfo", "model name"); !name.empty()) return name;
  utsname system{};
  return ::uname(&system) == 0 ? system.machine : "unknown";
}

std::optional<double> cgroup_cores() {
  double quota = 0, period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period && period > 0) return quota / period;
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0) return quota / period;
  return {};
}

std::optional<uint64_t> cgroup_memory(uint64_t machine) {
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    uint64_t limit = 0;
    std::ifstream in(file);
    // Version 1 says "no limit" by a number beyond any memory, version 2 by the word max.
    if (in >> limit && limit < machine) return limit;
  }
  return {};
}

uint64_t cache_bytes(int name) { return static_cast<uint64_t>(std::max(0L, ::sysconf(name))); }

}  // namespace

SystemInfo read_system_info() {
  SystemInfo info;
  info.processor = processor_name();
  info.online_cores = static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  cpu_set_t set;
  info.affinity_cores = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : info.online_cores;
  info.cgroup_cores = cgroup_cores();
  info.usable_cores = valence::usable_cores();
  info.l1d_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE);
  info.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE);
  info.l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE);
  info.memory_bytes = leading_number(proc_field("/proc/meminfo", "MemTotal")) * 1024;
  info.available_bytes = leading_number(proc_field("/proc/meminfo", "MemAvailable")) * 1024;
  info.cgroup_memory = cgroup_memory(info.memory_bytes);
  return info;
}

}  // namespace valence::app
