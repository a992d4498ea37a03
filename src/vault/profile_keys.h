// The keys of a protected profile: its data key while it is unlocked, and the file of the ways to
// it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "sqlite/call.h"
#include "turnstile/vault.h"
#include "vault/crypto/key_slots.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/profile_record.h"

namespace turnstile::vault {

/// What a protected profile is encrypted with. Threads: confined; a const one is shared.
struct ProfileKeys {
  SecretBytes data_key;
  KeyId key_id{};
};

[[nodiscard]] KeyParameters parameters_of(const KeyCost& cost) noexcept;
[[nodiscard]] std::span<const std::byte> bytes_of(std::string_view text) noexcept;

/// Throws VaultError (VAULT_CORRUPTED), also when the file is missing.
[[nodiscard]] KeySlots read_key_slots(const ProfileFolder& folder, const ProfileRecord& record,
                                      const Call& call);
void write_key_slots(const std::filesystem::path& path, const KeySlots& slots, const Call& call);
/// Of a protected profile. Throws VaultError (INVALID_PASSWORD, VAULT_CORRUPTED), MisuseError
/// (PASSWORD_REQUIRED).
[[nodiscard]] ProfileKeys unlock_keys(const KeySlots& slots, std::string_view password,
                                      bool is_recovery_key, const Call& call);
/// New keys, and the file of the slots that lead to them.
[[nodiscard]] ProfileKeys make_keys(const std::filesystem::path& path, std::string_view password,
                                    const KeyCost& cost, const Call& call);
/// Throws MisuseError (PASSWORD_REQUIRED) for one that is empty or blank.
void require_password(std::string_view password, const Call& call);

}  // namespace turnstile::vault
