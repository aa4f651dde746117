// valence doctor: what this machine can do, which kernels run, where models lie.

#include <cstdlib>
#include <string>
#include <vector>

#include "backend/cpu/isa.h"
#include "backend/cuda.h"
#include "backend/peak.h"
#include "base/error.h"
#include "commands.h"
#include "formats/checkpoint.h"
#include "hub/hub.h"
#include "human.h"
#include "output.h"
#include "pipeline/bundled.h"
#include "report.h"
#include "system_info.h"

namespace valence::app {
namespace {

using formats::Json;

int64_t as_json(uint64_t bytes) { return static_cast<int64_t>(bytes); }

void add_cores(Report& report, const SystemInfo& system) {
  const std::string limit =
      system.cgroup_cores ? "cgroup limit " + fixed(*system.cgroup_cores, 2) : "no cgroup limit";
  report.add(
      "cores",
      std::to_string(system.usable_cores) + " usable (" + std::to_string(system.online_cores) + " online, " +
          std::to_string(system.affinity_cores) + " by affinity, " + limit + ")",
      Json(Json::Object{member("usable", int64_t{system.usable_cores}),
                        member("online", int64_t{system.online_cores}),
                        member("affinity", int64_t{system.affinity_cores}),
                        member("cgroup_limit", system.cgroup_cores ? Json(*system.cgroup_cores) : Json())}));
}

void add_memory(Report& report, const SystemInfo& system) {
  const std::string limit =
      system.cgroup_memory ? "cgroup limit " + human_memory(*system.cgroup_memory) : "no cgroup limit";
  report.add(
      "memory",
      human_memory(system.memory_bytes) + " (" + human_memory(system.available_bytes) + " available, " +
          limit + ")",
      Json(Json::Object{
          member("bytes", as_json(system.memory_bytes)), member("available", as_json(system.available_bytes)),
          member("cgroup_limit", system.cgroup_memory ? Json(as_json(*system.cgroup_memory)) : Json())}));
  report.add(
      "caches",
      human_memory(system.l1d_bytes) + " L1d, " + human_memory(system.l2_bytes) + " L2, " +
          human_memory(system.l3_bytes) + " L3",
      Json(Json::Object{member("l1d", as_json(system.l1d_bytes)), member("l2", as_json(system.l2_bytes)),
                        member("l3", as_json(system.l3_bytes))}));
}

void add_kernels(Report& report) {
  const backend::cpu::Kernels& chosen = backend::cpu::kernels_of_environment();
  std::string names;
  Json::Array found;
  for (const backend::cpu::Kernels* kernels : backend::cpu::available_kernels()) {
    names += (names.empty() ? "" : ", ") + std::string(kernels->name);
    found.emplace_back(std::string(kernels->name));
  }
  const char* forced = std::getenv("VALENCE_CPU_ISA");
  const bool is_forced = forced && *forced;
  report.add("instruction_sets", names, Json(std::move(found)));
  report.add("kernels",
             chosen.name + std::string(is_forced ? " (by VALENCE_CPU_ISA)" : " (the best of them)"),
             Json(std::string(chosen.name)));
  const std::string bf16 = chosen.product_bf16 ? "dot products of bf16 pairs" : "expanded to fp32";
  const std::string int8 = "exact sums of int8 products";
  report.add("products",
             "fp32: multiply-adds in fp32; bf16: " + bf16 + "; int8: " + int8 + "; nf4: expanded to fp32",
             Json(Json::Object{member("fp32", "multiply-adds in fp32"), member("bf16", bf16),
                               member("int8", int8), member("nf4", "expanded to fp32")}));
}

void add_peaks(Report& report) {
  const double fp32 = backend::measured_peak_gflops(backend::WeightType::kFp32);
  const double bf16 = backend::measured_peak_gflops(backend::WeightType::kBf16);
  const double int8 = backend::measured_peak_gflops(backend::WeightType::kInt8);
  report.add("peak_of_a_core",
             "fp32 " + fixed(fp32, 0) + " GFLOP/s, bf16 " + fixed(bf16, 0) + " GFLOP/s, int8 " +
                 fixed(int8, 0) + " GOP/s (measured now)",
             Json(Json::Object{member("fp32_gflops", fp32), member("bf16_gflops", bf16),
                               member("int8_gops", int8)}));
}

void add_gpu(Report& report) {
  const backend::CudaDevice gpu = backend::find_cuda_device();
  std::string said = gpu.name;
  if (!gpu.name.empty()) {
    said += ", capability " + std::to_string(gpu.capability_major) + "." +
            std::to_string(gpu.capability_minor) + ", " + std::to_string(gpu.multiprocessors) +
            " multiprocessors, " + human_memory(gpu.memory_bytes) + " (" + human_memory(gpu.free_bytes) +
            " free), driver for CUDA " + gpu.driver;
  }
  if (!gpu.usable) said += (said.empty() ? "none: " : "; not used: ") + gpu.problem;
  const auto text_or_null = [](const std::string& text) -> Json {
    if (text.empty()) return Json();
    return Json(text);
  };
  report.add("gpu", said,
             Json(Json::Object{
                 member("usable", gpu.usable), member("problem", text_or_null(gpu.problem)),
                 member("name", text_or_null(gpu.name)), member("driver", text_or_null(gpu.driver)),
                 member("capability_major", int64_t{gpu.capability_major}),
                 member("capability_minor", int64_t{gpu.capability_minor}),
                 member("multiprocessors", int64_t{gpu.multiprocessors}),
                 member("bytes", as_json(gpu.memory_bytes)), member("free", as_json(gpu.free_bytes))}));
}

void add_storage(Report& report) {
  const formats::ModelFiles embedded = pipeline::default_model().files;
  const uint64_t embedded_bytes = formats::Checkpoint::open(embedded).file_bytes();
  report.add("default_model", human_bytes(embedded_bytes) + ", inside the program",
             Json(Json::Object{member("bytes", as_json(embedded_bytes))}));
  const hub::HubOptions hub = hub::HubOptions::from_environment();
  const std::vector<hub::CachedModel> models = hub::list_cached(hub);
  uint64_t bytes = 0;
  for (const hub::CachedModel& model : models) bytes += model.bytes;
  const auto count = static_cast<int64_t>(models.size());
  report.add("model_cache",
             printable(hub.cache.string()) + ", " + count_of(count, "model") + ", " + human_bytes(bytes) +
                 (hub.offline ? ", offline" : ""),
             Json(Json::Object{member("folder", hub.cache.string()), member("models", count),
                               member("bytes", as_json(bytes)), member("offline", hub.offline)}));
}

int doctor(bool json) {
  Report report;
  const SystemInfo system = read_system_info();
  report.add("version", VALENCE_VERSION, Json(std::string(VALENCE_VERSION)));
  report.add("processor", system.processor, Json(system.processor));
  add_cores(report, system);
  add_memory(report, system);
  add_kernels(report);
  add_peaks(report);
  add_gpu(report);
  add_storage(report);
  print(json ? report.json() : report.text());
  return 0;
}

}  // namespace

void add_doctor(Program& program) {
  auto json = std::make_shared<bool>(false);
  Command& command =
      program.add("doctor", "Say what this machine can do, which kernels run and where models lie",
                  [json] { return doctor(*json); });
  command.flag("json", *json, "Print one JSON object");
}

}  // namespace valence::app
