#include "vault/storage/page_cipher.h"

#include <sodium.h>

#include <algorithm>
#include <string_view>

#include "vault/crypto/bytes.h"
#include "vault/crypto/derive.h"
#include "vault/crypto/sodium.h"

namespace turnstile::vault {

namespace {

constexpr std::size_t kNonce = 16;  // 12 bytes of nonce, 4 of a counter to begin with.
constexpr std::size_t kBlock = 64;  // Of ChaCha20.
constexpr std::size_t kHalf = 32;
// Of the first page these stay as they are: salt, page size, format versions, reserved bytes and
// fractions, which the engine needs before it can decrypt anything.
constexpr std::size_t kPlainFront = 24;
constexpr std::string_view kPlainMagic("SQLite format 3\0", 16);

std::size_t front_of(std::uint32_t number) noexcept {
  return number == 1 ? kPlainFront : 0;
}

std::uint32_t counter_of(std::uint32_t number, std::span<const std::byte> nonce) noexcept {
  constexpr std::size_t kCounterAt = 12;
  return ByteReader(nonce.subspan(kCounterAt)).number<std::uint32_t>() ^ number;
}

}  // namespace

void chacha20_xor(std::span<std::byte> bytes, std::span<const std::byte> nonce,
                  std::uint32_t counter, std::span<const std::byte> key) {
  const std::uint64_t left = ((std::uint64_t{1} << 32) - counter) * kBlock;
  const auto first = bytes.first(std::min<std::uint64_t>(left, bytes.size()));
  const auto rest = bytes.subspan(first.size());
  crypto_stream_chacha20_ietf_xor_ic(raw(first), raw(first), first.size(), raw(nonce), counter,
                                     raw(key));
  if (!rest.empty())
    crypto_stream_chacha20_ietf_xor_ic(raw(rest), raw(rest), rest.size(), raw(nonce), 0, raw(key));
}

SecretBytes page_key(const SecretBytes& data_key) {
  return derive_key(data_key, "turnstile pages 1");
}

PageCipher::PageCipher(const SecretBytes& data_key) : key_(page_key(data_key)) {
  require_sodium();
}

SecretBytes PageCipher::one_time_keys(std::span<const std::byte> nonce,
                                      std::uint32_t counter) const {
  SecretBytes keys(2 * kHalf);
  chacha20_xor(keys.bytes(), nonce, counter, key_.bytes());
  return keys;
}

void PageCipher::encrypt(std::uint32_t number, std::span<std::byte> page,
                         const FileSalt& salt) const {
  const auto content = page.first(page.size() - kPageReserved);
  const auto nonce = page.subspan(content.size(), kNonce);
  const auto tag = page.last(kPageReserved - kNonce);
  randombytes_buf(nonce.data(), nonce.size());
  const std::uint32_t counter = counter_of(number, nonce);
  const SecretBytes keys = one_time_keys(nonce, counter);
  chacha20_xor(content.subspan(front_of(number)), nonce, counter + 1, keys.bytes().last(kHalf));
  if (number == 1) std::ranges::copy(salt, content.begin());
  crypto_onetimeauth_poly1305(raw(tag), raw(page), content.size() + kNonce, raw(keys.bytes()));
}

bool PageCipher::decrypt(std::uint32_t number, std::span<std::byte> page) const {
  const auto content = page.first(page.size() - kPageReserved);
  const auto nonce = page.subspan(content.size(), kNonce);
  const auto tag = page.last(kPageReserved - kNonce);
  const std::uint32_t counter = counter_of(number, nonce);
  const SecretBytes keys = one_time_keys(nonce, counter);
  if (crypto_onetimeauth_poly1305_verify(raw(tag), raw(page), content.size() + kNonce,
                                         raw(keys.bytes())) != 0) {
    return false;
  }
  chacha20_xor(content.subspan(front_of(number)), nonce, counter + 1, keys.bytes().last(kHalf));
  if (number == 1) std::ranges::copy(std::as_bytes(std::span(kPlainMagic)), content.begin());
  return true;
}

}  // namespace turnstile::vault
