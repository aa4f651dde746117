// What writing a text token by token asks of a machine beyond the Backend's operations: attention of single
// tokens to keys and values that are kept, and the best tokens of a vocabulary without a row of all its
// logits. For the CPU so far. Rows are tokens that are decoded side by side, each of one hypothesis; a row's
// bits do not depend on the other rows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace valence::backend {

// Keys and values of one source text in one layer, which all its hypotheses attend to.
class SourceKeys {
 public:
  virtual ~SourceKeys() = default;
};

// Rows [first, first + count) attend to the same source.
struct SourceRows {
  const SourceKeys* keys = nullptr;
  int64_t first = 0, count = 0;
};

// Keys and values of the tokens written so far, in all layers. A token has a slot; who uses the memory says
// which slots are free.
class TokenMemory {
 public:
  virtual ~TokenMemory() = default;
  virtual void reserve(int64_t slots) = 0;  // what the slots hold stays
};

// The best tokens of a row so far, and the state of its softmax.
struct TokenScores {
  struct Best {
    float logit;
    int32_t id;
  };
  size_t wanted = 1;                        // how many of the best are kept
  std::span<const int32_t> forbidden = {};  // ids that are passed over, rising
  bool normalize = true;                    // the softmax is wanted
  bool count_forbidden = true;              // as terms of the softmax
  std::vector<Best> best;                   // falling logits; of equal ones the smaller id first
  float maximum = 0, sum = 0;               // the softmax is exp(logit - maximum) / sum
};

class DecodingBackend {
 public:
  virtual ~DecodingBackend() = default;
  virtual Backend& layers() = 0;  // the other operations

  // y [rows, columns] = scale words[ids] + positions[positions].
  virtual void embed(const Table& words, const Table& positions, float scale, std::span<const int32_t> ids,
                     std::span<const int32_t> position_ids, Activations y) = 0;
  // Rows [first, first + tokens) of key_value [rows, 2 * heads * head_dim], which holds key and value side by
  // side.
  virtual std::unique_ptr<SourceKeys> keep_source(ConstActivations key_value, int64_t first, int64_t tokens,
                                                  int heads, int head_dim) = 0;
  // output [rows, heads * head_dim] = softmax(Q Kᵀ / sqrt(head_dim)) V, query likewise.
  virtual void attend_source(std::span<const SourceRows> rows, ConstActivations query, int heads,
                             int head_dim, Activations output) = 0;
  virtual std::unique_ptr<TokenMemory> make_memory(int layers, int64_t hidden) = 0;
  // qkv [rows, 3 * hidden] holds query, key, value side by side. Key and value go to the last slot of the
  // row's history; then the query attends to all its slots.
  virtual void attend_history(TokenMemory& memory, int layer,
                              std::span<const std::vector<int32_t>* const> rows, ConstActivations qkv,
                              int heads, int head_dim, Activations output) = 0;
  // Takes logits [rows, count] of the ids from `first` on into the scores of each row; overwrites them. Ids
  // must come in rising order.
  virtual void take_logits(Activations logits, int64_t count, int32_t first, std::span<TokenScores> rows) = 0;
};

std::unique_ptr<DecodingBackend> make_cpu_decoding_backend(ThreadPool* pool = nullptr);

}  // namespace valence::backend
