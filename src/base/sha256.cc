#include "base/sha256.h"

#include <openssl/evp.h>

#include "base/error.h"

namespace valence {

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher(Kind kind) : state_(std::make_unique<State>()) {
  const EVP_MD* digest = kind == Kind::kSha1 ? EVP_sha1() : EVP_sha256();
  if (!state_->context || EVP_DigestInit_ex(state_->context, digest, nullptr) != 1) {
    throw Error(ErrorCode::kRuntime, "cannot start a hash");
  }
}

Hasher::~Hasher() = default;

void Hasher::update(std::string_view data) { EVP_DigestUpdate(state_->context, data.data(), data.size()); }

std::string Hasher::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(state_->context, digest, &length);
  static const char* const kDigits = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < length; ++i) {
    out += kDigits[digest[i] >> 4];
    out += kDigits[digest[i] & 15];
  }
  return out;
}

std::string sha256_hex(std::span<const std::byte> data) {
  Hasher hasher(Hasher::Kind::kSha256);
  hasher.update({reinterpret_cast<const char*>(data.data()), data.size()});
  return hasher.hex();
}

}  // namespace valence
