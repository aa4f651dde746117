#include "backend/peak.h"

#include <algorithm>

#include "backend/cpu/isa.h"
#include "base/stopwatch.h"

namespace valence::backend {
namespace {

double seconds_of(const cpu::Peak& peak, int64_t rounds) {
  const Stopwatch watch;
  peak.run(rounds);
  return watch.seconds();
}

}  // namespace

double measured_peak_gflops(WeightType type, double seconds) {
  const cpu::Kernels& kernels = cpu::kernels_of_environment();
  const cpu::Peak& peak = type == WeightType::kInt8   ? kernels.peak_int8
                          : type == WeightType::kBf16 ? kernels.peak_bf16
                                                      : kernels.peak_fp32;
  constexpr int64_t kRounds = 100'000;  // a fraction of a millisecond to a few
  double best = 0, spent = 0;
  while (spent < seconds || best == 0) {
    const double time = std::max(seconds_of(peak, kRounds), 1e-9);
    spent += time;
    best = std::max(best, static_cast<double>(kRounds * peak.operations) / time * 1e-9);
  }
  return best;
}

}  // namespace valence::backend
