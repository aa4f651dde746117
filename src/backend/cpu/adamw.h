// Updates of AdamW (backend/training.h).
#pragma once

#include "backend/training.h"

namespace valence::backend::cpu {

// The numbers of a step that are the same for all values.
struct AdamWFactors {
  explicit AdamWFactors(const AdamW& step);
  float beta1, beta2, epsilon, gradient_scale;
  float rate;  // learning rate over the first moment's bias correction
  float root;  // 1 / sqrt of the second moment's
  float kept;  // of a weight after decay
};

void update(const AdamWFactors& factors, const float* gradient, int64_t count, float* weights, float* first,
            float* second);
void update_8bit(const AdamWFactors& factors, const float* gradient, int64_t count, float* weights,
                 const Moment8Bit& first, const Moment8Bit& second);

}  // namespace valence::backend::cpu
