// AdamW over the trained tensors of a model, with its moments in fp32 or in 8 bits, in memory or paged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/training.h"
#include "formats/checkpoint.h"
#include "nn/parameter.h"

namespace valence::train {

// k8Bit: moments by block-wise dynamic quantization (Dettmers et al. 2021, "8-bit Optimizers"), but for
// tensors of fewer than 4,096 values. kPaged8Bit: the same, in a file that is mapped and shared with no one:
// the system can write its pages out when memory is short; of a GPU, locked memory of the process.
enum class OptimizerKind { kFp32, k8Bit, kPaged8Bit };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kFp32;
  // kFp32 only: rows of a word table whose words did not occur stay as they are, as torch.optim.SparseAdam
  // has it; else they move on by their moments.
  bool lazy_rows = false;
  double row_rate = 1;  // times the learning rate: that of word tables
};

class Optimizer {
 public:
  // `folder` is where a paged state has its file; `backend` must outlive it. Errors: kRuntime, kNoMemory.
  Optimizer(OptimizerOptions options, std::vector<nn::Parameter*> parameters,
            const std::filesystem::path& folder, backend::TrainingBackend& backend);
  ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // The Euclidean norm of all gradients.
  double gradient_norm() const;
  // Updates all tensors; vectors (biases and norms) do not decay.
  void step(const backend::AdamW& step);

  // The moments as tensors, for a checkpoint; the views point into this object.
  std::vector<formats::TensorView> state() const;
  // Errors: kBadData for a tensor that is missing or of another size.
  void restore(const formats::Checkpoint& checkpoint);

 private:
  struct Moments;
  class Memory;

  int64_t part_rows(int64_t columns) const;
  // As state(), but of the backend's memory.
  std::vector<formats::TensorView> views_of_moments() const;

  std::vector<nn::Parameter*> parameters_;
  std::unique_ptr<Memory> memory_;
  std::vector<Moments> moments_;
  backend::TrainingBackend& backend_;
  bool lazy_rows_;
  float row_rate_;
  backend::Floats gradient_;  // of a part of a table of rows
};

}  // namespace valence::train
