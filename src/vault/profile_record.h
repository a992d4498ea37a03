// What a profile is: the file that is replaced to change it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "turnstile/vault_session.h"
#include "vault/layout.h"

namespace turnstile::vault {

/// The names of the parts are without their folder. Threads: immutable.
struct ProfileRecord {
  std::string id;
  std::string name;
  ProfileKind kind = ProfileKind::Plain;
  std::int64_t created_us = 0;  ///< Since 1970 UTC.
  std::int64_t generation = 1;  ///< Grows with each transition.
  std::string database;         ///< `database.N`.
  std::string keys;             ///< `keys.N`; empty for a plain profile.
  std::string attachments;      ///< `attachments.N`, a folder.

  [[nodiscard]] bool is_protected() const noexcept { return kind != ProfileKind::Plain; }
  /// Whether a name in the profile's folder belongs to it: a part, or what SQLite and this library
  /// keep beside the database.
  [[nodiscard]] bool owns(std::string_view entry) const noexcept;

  [[nodiscard]] std::string to_text() const;
  /// Empty when the text is none, or its values do not fit together.
  [[nodiscard]] static std::optional<ProfileRecord> from_text(std::string_view text);
};

/// Empty when the folder has no record. Throws VaultError (PROFILE_DAMAGED) for one that is not
/// whole, or of another id than the folder has.
[[nodiscard]] std::optional<ProfileRecord> read_record(const ProfileFolder& folder,
                                                       const Call& call);
/// The same for a profile that must be there. Throws VaultError (PROFILE_NOT_FOUND).
[[nodiscard]] ProfileRecord require_record(const ProfileFolder& folder, const Call& call);
/// The one step that changes a profile.
void write_record(const ProfileFolder& folder, const ProfileRecord& record, const Call& call);

}  // namespace turnstile::vault
