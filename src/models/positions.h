// Which row of the position table each token of a batch reads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/config.h"

namespace valence::models {

// RoBERTa numbers its tokens from pad_id + 1 and leaves padding tokens, which a text may spell out, on
// pad_id; the others count from 0.
void set_positions(const ModelConfig& config, std::span<const int32_t> ids,
                   std::span<const int32_t> cumulative_lengths, std::vector<int32_t>& positions);

}  // namespace valence::models
