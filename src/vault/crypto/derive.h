// Keys from a key: HKDF with SHA-256 (RFC 5869). Each use has a label of its own, so that none of
// the keys says anything about another or about the one they come from.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "vault/crypto/secret_bytes.h"

namespace turnstile::vault {

/// `size` bytes, at most 8160.
[[nodiscard]] SecretBytes hkdf_sha256(std::span<const std::byte> key,
                                      std::span<const std::byte> salt,
                                      std::span<const std::byte> info, std::size_t size);

/// 32 bytes for the use that `label` names.
[[nodiscard]] SecretBytes derive_key(const SecretBytes& key, std::string_view label,
                                     std::span<const std::byte> salt = {});

}  // namespace turnstile::vault
