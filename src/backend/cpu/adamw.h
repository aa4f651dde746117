// Updates of AdamW (backend/training.h).
#pragma once

#include "backend/adamw_factors.h"
#include "backend/training.h"

namespace valence::backend::cpu {

void update(const AdamWFactors& factors, const float* gradient, int64_t count, float* weights, float* first,
            float* second);
void update_8bit(const AdamWFactors& factors, const float* gradient, int64_t count, float* weights,
                 const Moment8Bit& first, const Moment8Bit& second);

}  // namespace valence::backend::cpu
