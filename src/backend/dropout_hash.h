// Which values a dropout drops: a hash of its key and the value's place, the same on every device.
#pragma once

#include <cstdint>

namespace valence::backend {

// 64 bits for the two values of places 2 * pair (the lower half) and 2 * pair + 1. The finalizer of
// MurmurHash3 (Appleby): each bit of the result depends on each bit of the input.
constexpr uint64_t dropout_hash(uint64_t key, uint64_t pair) {
  uint64_t x = key + 0x9E3779B97F4A7C15ULL * (pair + 1);
  x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDULL;
  x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return x ^ (x >> 33);
}

// A value is dropped when its 32 bits are below this.
constexpr uint32_t dropout_bound(float rate) {
  return static_cast<uint32_t>(static_cast<double>(rate) * 4294967296.0);
}

}  // namespace valence::backend
