// Unaligned little-endian numbers in untrusted bytes. The caller checks the bounds.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

namespace valence::formats {

static_assert(std::endian::native == std::endian::little, "weights are mapped, not converted");

template <typename T>
T load_little_endian(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace valence::formats
