#include "backend/adamw_factors.h"

#include <cmath>

namespace valence::backend {

AdamWFactors::AdamWFactors(const AdamW& step)
    : beta1(step.beta1),
      beta2(step.beta2),
      epsilon(step.epsilon),
      gradient_scale(step.gradient_scale),
      kept(1 - step.learning_rate * step.weight_decay) {
  const auto steps = static_cast<double>(step.step);
  const double correction1 = 1 - std::pow(static_cast<double>(step.beta1), steps);
  const double correction2 = 1 - std::pow(static_cast<double>(step.beta2), steps);
  rate = static_cast<float>(static_cast<double>(step.learning_rate) / correction1);
  root = static_cast<float>(1 / std::sqrt(correction2));
}

}  // namespace valence::backend
