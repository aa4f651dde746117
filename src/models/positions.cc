#include "models/positions.h"

namespace valence::models {

void set_positions(const ModelConfig& config, std::span<const int32_t> ids,
                   std::span<const int32_t> cumulative_lengths, std::vector<int32_t>& positions) {
  const bool skips_padding = config.family == Family::kRoberta;
  positions.resize(ids.size());
  for (size_t s = 0; s + 1 < cumulative_lengths.size(); ++s) {
    auto position = static_cast<int32_t>(config.first_position());
    for (auto k = static_cast<size_t>(cumulative_lengths[s]);
         k < static_cast<size_t>(cumulative_lengths[s + 1]); ++k) {
      const bool padding = skips_padding && ids[k] == config.pad_id;
      positions[k] = padding ? static_cast<int32_t>(config.pad_id) : position++;
    }
  }
}

}  // namespace valence::models
