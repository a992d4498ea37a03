// Bytes that nobody else is to see: a key, a password.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace turnstile::vault {

/// Memory between two pages that nobody may touch, locked into RAM where the system's limit allows
/// it, left out of core dumps, and overwritten before it is given back. Moving leaves the source
/// empty; there is no copy but the one that is asked for.
///
/// Threads: confined; a const one is shared.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes() = default;
  /// `size` bytes of zero. Throws VaultError (CRYPTO_UNAVAILABLE), std::bad_alloc.
  explicit SecretBytes(std::size_t size);
  /// A copy of `bytes`; the source is the caller's to wipe.
  [[nodiscard]] static SecretBytes copy_of(std::span<const std::byte> bytes);
  [[nodiscard]] static SecretBytes copy_of(std::string_view text);
  /// Bytes of the system's generator.
  [[nodiscard]] static SecretBytes random(std::size_t size);

  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.get_deleter().size; }
  [[nodiscard]] std::span<std::byte> bytes() noexcept { return {bytes_.get(), size()}; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {bytes_.get(), size()}; }
  /// Takes as long wherever the two differ.
  [[nodiscard]] bool equals(std::span<const std::byte> other) const noexcept;
  /// Overwrites and frees them now.
  void wipe() noexcept;

 private:
  struct Free {
    std::size_t size;
    void operator()(std::byte* bytes) const noexcept;
  };
  std::unique_ptr<std::byte[], Free> bytes_{nullptr, Free{0}};
};

}  // namespace turnstile::vault
