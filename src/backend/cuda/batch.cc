#include "backend/cuda/batch.h"

#include <cstring>
#include <string>

#include "base/error.h"

namespace valence::backend::cuda {

void DeviceBatch::upload(const Batch& batch, cudaStream_t stream) {
  tiles_.clear();
  sequence_tiles_.clear();
  for (int64_t s = 0; s < batch.sequences(); ++s) {
    const int32_t begin = batch.cumulative_lengths[static_cast<size_t>(s)];
    AttentionTile tile{begin, batch.cumulative_lengths[static_cast<size_t>(s) + 1] - begin, 0,
                       static_cast<int32_t>(s)};
    sequence_tiles_.push_back(tile);
    for (; tile.first_query < tile.length; tile.first_query += kQueryTile) tiles_.push_back(tile);
  }
  // The tiles first: they are the ones that want alignment.
  size_t bytes = 0;
  const auto place = [&](size_t part) {
    const size_t begin = bytes;
    bytes += (part + 15) / 16 * 16;
    return begin;
  };
  const size_t tiles = place(tiles_.size() * sizeof(AttentionTile)),
               sequences = place(sequence_tiles_.size() * sizeof(AttentionTile)),
               ids = place(batch.ids.size_bytes()), positions = place(batch.positions.size_bytes()),
               lengths = place(batch.cumulative_lengths.size_bytes());
  if (staging_.bytes() < bytes) staging_ = PinnedMemory(2 * bytes);
  if (memory_.bytes() < bytes) memory_ = DeviceMemory(2 * bytes);
  const auto stage = [&](size_t at, const void* from, size_t size) {
    if (size > 0) std::memcpy(staging_.as<char>() + at, from, size);
  };
  stage(tiles, tiles_.data(), tiles_.size() * sizeof(AttentionTile));
  stage(sequences, sequence_tiles_.data(), sequence_tiles_.size() * sizeof(AttentionTile));
  stage(ids, batch.ids.data(), batch.ids.size_bytes());
  stage(positions, batch.positions.data(), batch.positions.size_bytes());
  stage(lengths, batch.cumulative_lengths.data(), batch.cumulative_lengths.size_bytes());
  check(cudaMemcpyAsync(memory_.data(), staging_.as<char>(), bytes, cudaMemcpyHostToDevice, stream),
        "copying a batch");
  const char* base = memory_.as<char>();
  tiles_on_gpu_ = reinterpret_cast<const AttentionTile*>(base + tiles);
  sequence_tiles_on_gpu_ = reinterpret_cast<const AttentionTile*>(base + sequences);
  ids_ = reinterpret_cast<const int32_t*>(base + ids);
  positions_ = reinterpret_cast<const int32_t*>(base + positions);
  cumulative_lengths_ = reinterpret_cast<const int32_t*>(base + lengths);
}

void check_ids(std::span<const int32_t> ids, int64_t rows) {
  for (const int32_t id : ids) {
    if (id >= 0 && id < rows) continue;
    throw Error(ErrorCode::kBadData, "token id " + std::to_string(id) +
                                         " is not a row of the table, which has " + std::to_string(rows));
  }
}

}  // namespace valence::backend::cuda
