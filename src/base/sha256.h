// SHA-256 and SHA-1, by OpenSSL, as lower-case hexadecimal.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace valence {

class Hasher {
 public:
  enum class Kind { kSha1, kSha256 };
  explicit Hasher(Kind kind);
  ~Hasher();
  void update(std::string_view data);
  std::string hex();  // ends the computation

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::span<const std::byte> data);

}  // namespace valence
