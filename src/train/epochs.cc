#include "train/epochs.h"

#include <algorithm>
#include <numeric>

#include "train/meaning.h"

namespace valence::train {

Epochs::Epochs(const Settings& settings, const Dataset& data) : settings_(settings), data_(data) {
  const int64_t per_step = settings.batch_size * settings.accumulation;
  steps_ = (data.rows() + per_step - 1) / per_step;
}

std::vector<int64_t> Epochs::rows_of_step(int64_t step) {
  const int64_t epoch = step / steps_, place = step % steps_;
  if (epoch != epoch_) {
    order_.resize(static_cast<size_t>(data_.rows()));
    std::iota(order_.begin(), order_.end(), 0);
    if (settings_.shuffle) order_ = shuffled_rows(settings_, data_, "epoch " + std::to_string(epoch));
    epoch_ = epoch;
  }
  const int64_t per_step = settings_.batch_size * settings_.accumulation, begin = place * per_step;
  const int64_t end = std::min(begin + per_step, data_.rows());
  return {order_.begin() + begin, order_.begin() + end};
}

}  // namespace valence::train
