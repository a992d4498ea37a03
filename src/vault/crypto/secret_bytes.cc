#include "vault/crypto/secret_bytes.h"

#include <sodium.h>

#include <algorithm>
#include <new>
#include <utility>

#include "vault/crypto/sodium.h"

namespace turnstile::vault {

void SecretBytes::Free::operator()(std::byte* bytes) const noexcept {
  sodium_free(bytes);
}

SecretBytes::SecretBytes(std::size_t size) {
  require_sodium();
  if (size == 0) return;
  auto* const bytes = static_cast<std::byte*>(sodium_malloc(size));
  if (bytes == nullptr) throw std::bad_alloc();
  bytes_ = std::unique_ptr<std::byte[], Free>(bytes, Free{size});
  std::fill_n(bytes, size, std::byte{0});
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept {
  *this = std::move(other);
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  bytes_ = std::move(other.bytes_);
  other.wipe();
  return *this;
}

SecretBytes SecretBytes::copy_of(std::span<const std::byte> bytes) {
  SecretBytes copy(bytes.size());
  std::ranges::copy(bytes, copy.bytes().begin());
  return copy;
}

SecretBytes SecretBytes::copy_of(std::string_view text) {
  return copy_of(std::as_bytes(std::span(text)));
}

SecretBytes SecretBytes::random(std::size_t size) {
  SecretBytes secret(size);
  randombytes_buf(secret.bytes_.get(), size);
  return secret;
}

bool SecretBytes::equals(std::span<const std::byte> other) const noexcept {
  return size() == other.size() &&
         (empty() || sodium_memcmp(bytes_.get(), other.data(), size()) == 0);
}

void SecretBytes::wipe() noexcept {
  bytes_ = std::unique_ptr<std::byte[], Free>(nullptr, Free{0});
}

}  // namespace turnstile::vault
