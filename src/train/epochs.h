// Which rows each step trains on.
#pragma once

#include <cstdint>
#include <vector>

#include "train/dataset.h"
#include "train/settings.h"

namespace valence::train {

class Epochs {
 public:
  // Both must outlive it.
  Epochs(const Settings& settings, const Dataset& data);

  int64_t steps() const { return steps_; }  // of a pass over the data
  // Whole micro batches but for the last step of an epoch. The order of an epoch follows from seed and epoch
  // alone, so a resumed run finds it again.
  std::vector<int64_t> rows_of_step(int64_t step);

 private:
  const Settings& settings_;
  const Dataset& data_;
  int64_t steps_ = 1;
  int64_t epoch_ = -1;
  std::vector<int64_t> order_;  // of the rows in epoch_
};

}  // namespace valence::train
