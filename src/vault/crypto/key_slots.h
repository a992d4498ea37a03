// The ways to one data key: a random key that everything of a profile is encrypted with, wrapped
// once for each password or recovery key. Who changes a password rewrites these few hundred bytes
// and nothing else. docs/reference/vault-format.md describes the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vault/crypto/secret_bytes.h"

namespace turnstile::vault {

/// What it costs to try one password (Argon2id, one lane). Stored with the slot, so that it can be
/// raised later. Threads: immutable.
struct KeyParameters {
  std::uint64_t passes = 3;                              ///< 1 to 16.
  std::uint64_t memory_bytes = std::uint64_t{64} << 20;  ///< 8 KiB to 1 GiB, in whole KiB.

  /// The cheapest there are, for tests.
  [[nodiscard]] static constexpr KeyParameters minimum() noexcept { return {1, 8192}; }
  friend bool operator==(const KeyParameters&, const KeyParameters&) = default;
};

inline constexpr std::size_t kDataKeySize = 32;
using KeyId = std::array<std::byte, 16>;

/// Threads: confined; a const one is shared.
class KeySlots {
 public:
  enum class Kind : std::uint32_t { Password = 1, Recovery = 2 };
  /// Threads: immutable.
  struct Slot {
    std::uint32_t number = 0;  ///< From 1, its name for as long as it is there.
    Kind kind = Kind::Password;
    KeyParameters parameters;  ///< Of no meaning for a recovery key.
  };
  /// What create() made. Threads: confined.
  struct Created;

  /// At most this many; and the bytes of serialize() are never more than kLargest.
  static constexpr std::size_t kMostSlots = 16;
  static constexpr std::size_t kLargest = 4096;

  /// A new random data key, wrapped for `password`. Throws MisuseError (PASSWORD_REQUIRED for one
  /// that is empty or blank, KEY_PARAMETERS_INVALID), VaultError (CRYPTO_UNAVAILABLE).
  [[nodiscard]] static Created create(std::span<const std::byte> password,
                                      const KeyParameters& parameters);

  /// Looks at every byte before it believes any of them. Throws VaultError (VAULT_CORRUPTED when
  /// the bytes are not what serialize() gave, VAULT_FORMAT_UNSUPPORTED for a later version).
  [[nodiscard]] static KeySlots parse(std::span<const std::byte> bytes);
  /// The bytes to be stored. Some random bytes in them are new each time a slot is changed.
  [[nodiscard]] std::vector<std::byte> serialize() const;

  /// The data key. Tries one password slot after the other. Throws VaultError: INVALID_PASSWORD
  /// when no slot opens, VAULT_CORRUPTED when one does but the slots are not as they were left by
  /// whoever had the data key.
  [[nodiscard]] SecretBytes unlock(std::span<const std::byte> password) const;
  /// The same with what add_recovery() gave, in upper or lower case, with or without its dashes.
  [[nodiscard]] SecretBytes unlock_with_recovery(std::string_view recovery_key) const;

  // These change the slots in memory only. `data_key` proves that the caller may; they throw
  // VaultError (VAULT_CORRUPTED) when it is not the key of these slots.

  /// Puts one slot for `password` in the place of all password slots, with a new salt.
  void set_password(const SecretBytes& data_key, std::span<const std::byte> password,
                    const KeyParameters& parameters);
  /// A further password; the new slot's number. Throws MisuseError (KEY_SLOTS_FULL) too, and
  /// when all of them would cost more to try than the dearest one alone may.
  std::uint32_t add_password(const SecretBytes& data_key, std::span<const std::byte> password,
                             const KeyParameters& parameters);
  /// A further slot for a random key of 256 bits, which is returned as text to be written down:
  /// 13 groups of 4 letters and digits, separated by dashes. It is not kept anywhere.
  [[nodiscard]] SecretBytes add_recovery(const SecretBytes& data_key);
  /// Throws MisuseError (KEY_SLOT_UNKNOWN; KEY_SLOT_LAST for the only one).
  void remove(const SecretBytes& data_key, std::uint32_t number);
  /// The same slots' successor for another data key: what rekeying ends with. It has one password
  /// slot and no recovery slots, which would have to be made anew.
  [[nodiscard]] static KeySlots for_key(const SecretBytes& data_key,
                                        std::span<const std::byte> password,
                                        const KeyParameters& parameters);

  [[nodiscard]] std::vector<Slot> slots() const;
  /// Public and random: names the data key, in these slots and in every sealed file.
  [[nodiscard]] const KeyId& key_id() const noexcept { return key_id_; }

 private:
  struct Entry;
  KeySlots();

  [[nodiscard]] SecretBytes require_sealed(SecretBytes data_key) const;
  void require_own(const SecretBytes& data_key) const;
  void require_room() const;
  /// Wraps the data key with `wrapping_key` for a slot that has its number, kind, parameters, salt.
  void add(const SecretBytes& data_key, const SecretBytes& wrapping_key, Entry entry);
  [[nodiscard]] Entry new_entry(Kind kind, const KeyParameters& parameters) const;
  [[nodiscard]] std::optional<SecretBytes> open(const Entry& entry,
                                                const SecretBytes& wrapping_key) const;
  void serialize_body(std::vector<std::byte>& out) const;
  [[nodiscard]] std::array<std::byte, 32> seal_of(const SecretBytes& data_key) const;

  KeyId key_id_{};
  std::vector<Entry> entries_;
  std::array<std::byte, 32> seal_{};  // Over all of the above, by a key that the data key gives.
};

struct KeySlots::Entry {
  Slot slot;
  std::array<std::byte, 16> salt{};
  std::array<std::byte, 24> nonce{};
  std::array<std::byte, kDataKeySize + 16> wrapped{};
};

struct KeySlots::Created {
  KeySlots slots;
  SecretBytes data_key;
};

/// Throws MisuseError (KEY_PARAMETERS_INVALID) outside the bounds.
void validate(const KeyParameters& parameters);

}  // namespace turnstile::vault
