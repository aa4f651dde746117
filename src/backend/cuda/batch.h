// The stream of a backend, and the numbers of its batch in GPU memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cuda/device.h"
#include "backend/cuda/kernels.h"

namespace valence::backend::cuda {

// The stream that all work of a backend is queued on, in order.
class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

// A batch's numbers in GPU memory, by way of locked memory that is written once the batch before it is done.
class DeviceBatch {
 public:
  void upload(const Batch& batch, cudaStream_t stream);

  const AttentionTile* tiles() const { return tiles_on_gpu_; }
  int64_t tile_count() const { return static_cast<int64_t>(tiles_.size()); }
  const AttentionTile* sequence_tiles() const { return sequence_tiles_on_gpu_; }
  const int32_t* ids() const { return ids_; }
  const int32_t* positions() const { return positions_; }
  const int32_t* cumulative_lengths() const { return cumulative_lengths_; }

 private:
  std::vector<AttentionTile> tiles_, sequence_tiles_;
  PinnedMemory staging_;
  DeviceMemory memory_;
  const AttentionTile* tiles_on_gpu_ = nullptr;
  const AttentionTile* sequence_tiles_on_gpu_ = nullptr;
  const int32_t* ids_ = nullptr;
  const int32_t* positions_ = nullptr;
  const int32_t* cumulative_lengths_ = nullptr;
};

// Errors: kBadData for an id that is not one of so many rows.
void check_ids(std::span<const int32_t> ids, int64_t rows);

}  // namespace valence::backend::cuda
