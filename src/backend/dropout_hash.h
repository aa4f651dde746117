// Which values a dropout drops: a hash of its key and the value's place, the same on every device.
#pragma once

#include <cstdint>

namespace valence::backend {

// Of places that follow each other, and of the two rounds of the hash.
constexpr uint32_t kDropoutStep = 0x9E3779B1u, kDropoutFirst = 0x85EBCA6Bu, kDropoutSecond = 0xC2B2AE35u;

// The key of the places whose upper 32 bits are those of `place`.
constexpr uint64_t dropout_key_of(uint64_t key, uint64_t place) {
  return key + 0x9E3779B97F4A7C15ULL * (place >> 32);
}

// 32 bits for the value at a place, which is dropped when they are below dropout_bound(). The finalizer of 32
// bits of MurmurHash3 (Appleby), the lower half of the key going in before it and the upper half in its
// middle: 32 bits are hashed eight or sixteen at a time.
constexpr uint32_t dropout_hash(uint64_t key, uint64_t place) {
  const uint64_t own = dropout_key_of(key, place);
  uint32_t x = (static_cast<uint32_t>(place) * kDropoutStep) ^ static_cast<uint32_t>(own);
  x = (x ^ (x >> 16)) * kDropoutFirst;
  x = (x ^ (x >> 13)) + static_cast<uint32_t>(own >> 32);
  x *= kDropoutSecond;
  return x ^ (x >> 16);
}

constexpr uint32_t dropout_bound(float rate) {
  return static_cast<uint32_t>(static_cast<double>(rate) * 4294967296.0);
}

}  // namespace valence::backend
