#include "vault/storage/sealed_header.h"

#include <sodium.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sqlite/call.h"
#include "vault/crypto/bytes.h"
#include "vault/crypto/derive.h"
#include "vault/raise.h"
#include "vault/storage/sealed_stream.h"

namespace turnstile::vault {

namespace {

constexpr std::string_view kSealedMagic = "turnstile.sealed";
constexpr std::uint32_t kSealedVersion = 1;
constexpr std::size_t kSealedPart = 112;  // What the seal is over.
constexpr std::uint64_t kMostContent = std::uint64_t{1} << 46;
constexpr std::size_t kChunkExtra = crypto_secretstream_xchacha20poly1305_ABYTES;
static_assert(kChunkExtra == 17 && crypto_secretstream_xchacha20poly1305_HEADERBYTES == 24);
static_assert(kSealedHeaderBytes == kSealedPart + crypto_auth_hmacsha256_BYTES);

[[noreturn]] void raise_no_header(const std::filesystem::path& path, const std::string& why) {
  raise_vault(code("VAULT_CORRUPTED"), quoted(path) + " is damaged: " + why, Call{});
}

// The label, a NUL, the purpose and the context: no two uses have the same.
SecretBytes sealed_key(std::string_view label, const RawHeader& header, const SecretBytes& data_key,
                       std::string_view context) {
  std::vector<std::byte> info;
  ByteWriter(info)
      .bytes(std::as_bytes(std::span(label)))
      .number(std::uint8_t{0})
      .number(static_cast<std::uint32_t>(header.about.purpose))
      .bytes(std::as_bytes(std::span(context)));
  return hkdf_sha256(data_key.bytes(), header.salt, info, crypto_auth_hmacsha256_KEYBYTES);
}

}  // namespace

std::uint64_t sealed_bytes(std::uint64_t content_bytes) noexcept {
  const std::uint64_t chunks =
      std::max<std::uint64_t>(1, (content_bytes + kSealedChunk - 1) / kSealedChunk);
  return kSealedHeaderBytes + content_bytes + chunks * kChunkExtra;
}

HeaderBytes to_bytes(const RawHeader& header) {
  std::vector<std::byte> out;
  ByteWriter(out)
      .bytes(std::as_bytes(std::span(kSealedMagic)))
      .number(kSealedVersion)
      .number(static_cast<std::uint32_t>(header.about.purpose))
      .number(header.about.content_bytes)
      .number(header.about.generation)
      .bytes(header.about.key_id)
      .bytes(header.salt)
      .bytes(header.stream)
      .bytes(header.seal);
  HeaderBytes bytes{};
  std::ranges::copy(out, bytes.begin());
  return bytes;
}

RawHeader parse_header(std::span<const std::byte> bytes, std::uint64_t file_bytes,
                       const std::filesystem::path& path) {
  if (bytes.size() < kSealedHeaderBytes)
    raise_no_header(path, "it has " + std::to_string(bytes.size()) + " bytes");
  if (!std::ranges::equal(bytes.first(kSealedMagic.size()), std::as_bytes(std::span(kSealedMagic))))
    raise_no_header(path, "it does not begin as a sealed file does");
  ByteReader reader(bytes.subspan(kSealedMagic.size()));
  const auto version = reader.number<std::uint32_t>();
  if (version != kSealedVersion) {
    raise_vault(code("VAULT_FORMAT_UNSUPPORTED"),
                quoted(path) + " is a sealed file of version " + std::to_string(version), Call{});
  }
  RawHeader header;
  const auto purpose = reader.number<std::uint32_t>();
  header.about.purpose = static_cast<Purpose>(purpose);
  header.about.content_bytes = reader.number<std::uint64_t>();
  header.about.generation = reader.number<std::uint64_t>();
  reader.bytes(header.about.key_id);
  reader.bytes(header.salt);
  reader.bytes(header.stream);
  reader.bytes(header.seal);
  if (purpose < 1 || purpose > static_cast<std::uint32_t>(Purpose::State))
    raise_no_header(path, "its purpose is " + std::to_string(purpose));
  if (header.about.content_bytes > kMostContent ||
      sealed_bytes(header.about.content_bytes) != file_bytes) {
    raise_no_header(path, "it has " + std::to_string(file_bytes) +
                              " bytes, which is not the size of a sealed file of " +
                              std::to_string(header.about.content_bytes) + " bytes of content");
  }
  header.about.file_bytes = file_bytes;
  return header;
}

std::array<std::byte, 32> header_seal(const RawHeader& header, const SecretBytes& data_key,
                                      std::string_view context) {
  const SecretBytes key = sealed_key("turnstile sealed header 1", header, data_key, context);
  const HeaderBytes bytes = to_bytes(header);
  std::array<std::byte, 32> seal{};
  crypto_auth_hmacsha256(raw(seal), raw(bytes), kSealedPart, raw(key.bytes()));
  return seal;
}

SecretBytes content_key(const RawHeader& header, const SecretBytes& data_key,
                        std::string_view context) {
  return sealed_key("turnstile sealed content 1", header, data_key, context);
}

}  // namespace turnstile::vault
