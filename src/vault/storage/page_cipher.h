// One page of an encrypted database file, as the engine writes it: ChaCha20 and Poly1305 with a
// nonce of its own, which lies with the tag in the last 32 bytes of the page. What the engine does
// for a database that is open, this does for a file that nobody has open.
// docs/reference/vault-format.md describes the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vault/crypto/secret_bytes.h"

namespace turnstile::vault {

/// Bytes at the end of each page that SQLite leaves to the encryption.
inline constexpr std::size_t kPageReserved = 32;
/// At the front of a file's first page.
using FileSalt = std::array<std::byte, 16>;

/// The key of a file's pages.
[[nodiscard]] SecretBytes page_key(const SecretBytes& data_key);

/// ChaCha20 with the first 12 bytes of `nonce`, from block `counter` on. That begins anywhere, and
/// goes on at 0 after its last value, as the engine's does; libsodium refuses that.
void chacha20_xor(std::span<std::byte> bytes, std::span<const std::byte> nonce,
                  std::uint32_t counter, std::span<const std::byte> key);

/// Threads: shared.
class PageCipher {
 public:
  explicit PageCipher(const SecretBytes& data_key);
  PageCipher(const PageCipher&) = delete;
  PageCipher& operator=(const PageCipher&) = delete;

  /// In place. `number` is from 1. Page 1 must be plain but for its last 32 bytes, and gets `salt`.
  void encrypt(std::uint32_t number, std::span<std::byte> page, const FileSalt& salt) const;
  /// In place. False when the page is not authentic, and then it is not to be used.
  [[nodiscard]] bool decrypt(std::uint32_t number, std::span<std::byte> page) const;

 private:
  /// The first half authenticates the page, the second half encrypts it.
  [[nodiscard]] SecretBytes one_time_keys(std::span<const std::byte> nonce,
                                          std::uint32_t counter) const;

  const SecretBytes key_;
};

}  // namespace turnstile::vault
