#include "vault/crypto/derive.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "vault/crypto/bytes.h"
#include "vault/crypto/sodium.h"

namespace turnstile::vault {

namespace {

constexpr std::size_t kHash = crypto_auth_hmacsha256_BYTES;

// libsodium wants an address even for no bytes.
std::span<const std::byte> not_null(std::span<const std::byte> bytes) noexcept {
  static constexpr std::byte kNowhere{};
  return bytes.data() == nullptr ? std::span(&kNowhere, 0) : bytes;
}

/// HMAC-SHA256 in pieces, its state wiped at the end. Threads: confined.
class DerivationHmac {
 public:
  explicit DerivationHmac(std::span<const std::byte> key) {
    crypto_auth_hmacsha256_init(&state_, raw(not_null(key)), key.size());
  }
  ~DerivationHmac() { sodium_memzero(&state_, sizeof(state_)); }
  DerivationHmac(const DerivationHmac&) = delete;
  DerivationHmac& operator=(const DerivationHmac&) = delete;

  DerivationHmac& add(std::span<const std::byte> bytes) {
    crypto_auth_hmacsha256_update(&state_, raw(not_null(bytes)), bytes.size());
    return *this;
  }
  void finish(std::span<std::byte, kHash> out) { crypto_auth_hmacsha256_final(&state_, raw(out)); }

 private:
  crypto_auth_hmacsha256_state state_{};
};

}  // namespace

SecretBytes hkdf_sha256(std::span<const std::byte> key, std::span<const std::byte> salt,
                        std::span<const std::byte> info, std::size_t size) {
  require_sodium();
  SecretBytes extracted(kHash);
  DerivationHmac(salt).add(key).finish(extracted.bytes().first<kHash>());
  SecretBytes block(kHash);
  SecretBytes result(size);
  std::size_t done = 0;
  for (unsigned number = 1; done < size; ++number) {
    const std::array counter{static_cast<std::byte>(number)};
    DerivationHmac hmac(extracted.bytes());
    if (number > 1) hmac.add(block.bytes());
    hmac.add(info).add(counter).finish(block.bytes().first<kHash>());
    const std::size_t some = std::min(kHash, size - done);
    std::ranges::copy(block.bytes().first(some), result.bytes().subspan(done).begin());
    done += some;
  }
  return result;
}

SecretBytes derive_key(const SecretBytes& key, std::string_view label,
                       std::span<const std::byte> salt) {
  constexpr std::size_t kKey = 32;
  return hkdf_sha256(key.bytes(), salt, std::as_bytes(std::span(label)), kKey);
}

}  // namespace turnstile::vault
