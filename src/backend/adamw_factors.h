// What a step of AdamW comes to for each value, once its bias corrections are worked out.
#pragma once

#include "backend/training.h"

namespace valence::backend {

struct AdamWFactors {
  explicit AdamWFactors(const AdamW& step);
  float beta1, beta2, epsilon, gradient_scale;
  float kept;  // of a weight after decay
  float rate;  // with the correction of the first moment
  float root;  // correction of the second moment's root
};

}  // namespace valence::backend
