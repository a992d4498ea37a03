// The first bytes of a sealed file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "vault/crypto/secret_bytes.h"
#include "vault/storage/sealed_file.h"

namespace turnstile::vault {

inline constexpr std::size_t kSealedHeaderBytes = 144;
using HeaderBytes = std::array<std::byte, kSealedHeaderBytes>;
using StreamHeader = std::array<std::byte, 24>;
using SealedSalt = std::array<std::byte, 32>;

/// The size of the whole file for that much content.
[[nodiscard]] std::uint64_t sealed_bytes(std::uint64_t content_bytes) noexcept;

/// The header as it is in the file. Threads: immutable.
struct RawHeader {
  SealedHeader about;
  SealedSalt salt{};
  StreamHeader stream{};
  std::array<std::byte, 32> seal{};  ///< By a key that comes from the data key, over the rest.
};

[[nodiscard]] HeaderBytes to_bytes(const RawHeader& header);
/// What the bytes say, after a look at their form and at the file's size. Throws VaultError.
[[nodiscard]] RawHeader parse_header(std::span<const std::byte> bytes, std::uint64_t file_bytes,
                                     const std::filesystem::path& path);
/// The seal that belongs to the rest of the header.
[[nodiscard]] std::array<std::byte, 32> header_seal(const RawHeader& header,
                                                    const SecretBytes& data_key,
                                                    std::string_view context);
/// The key of the chunks.
[[nodiscard]] SecretBytes content_key(const RawHeader& header, const SecretBytes& data_key,
                                      std::string_view context);

}  // namespace turnstile::vault
