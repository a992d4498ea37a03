// The open database of a profile, whatever the profile's kind: one way to make, open, save and
// close it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>

#include "sqlite/call.h"
#include "turnstile/database.h"
#include "turnstile/vault.h"
#include "vault/profile_keys.h"
#include "vault/profile_record.h"
#include "vault/storage/sealed_database.h"

namespace turnstile::vault {

/// Threads: as SealedDatabase: shared, but for close() and the destructor.
class OpenDatabase {
 public:
  /// `keys` is null for a plain profile. Runs the schema steps of the options and those of the
  /// vault's own tables. Throws VaultError (DB_OPEN_FAILED, DB_QUERY_FAILED, VAULT_CORRUPTED,
  /// VAULT_TOO_LARGE), MigrationError, Timeout.
  [[nodiscard]] static OpenDatabase open(const ProfileFolder& folder, const ProfileRecord& record,
                                         const ProfileKeys* keys, const WorkspaceOptions& options,
                                         const Call& call);
  /// The same for a profile in the making, which has no database yet.
  [[nodiscard]] static OpenDatabase create(const ProfileFolder& folder, const ProfileRecord& record,
                                           const ProfileKeys* keys, const WorkspaceOptions& options,
                                           const Call& call);

  /// Throws VaultError (VAULT_LOCKED) for a sealed one that could not be saved when it was closed,
  /// nor opened again.
  [[nodiscard]] Database& database();
  [[nodiscard]] const Database& database() const;

  /// Nothing to do but for a sealed one. Throws VaultError (VAULT_NOT_SAVED).
  void save(const Call& call);
  [[nodiscard]] SavedState saved_state() const;
  /// Of a sealed one: the number of the state that is in the file; else 0.
  [[nodiscard]] std::uint64_t image_generation() const;

  /// Throws VaultError (VAULT_NOT_SAVED), and it stays open; Timeout (CLOSE_TIMEOUT), and it closes
  /// when the closure ends that does not: until nobody has the file open any more, or writes it,
  /// `kept` exists.
  void close(std::chrono::milliseconds drain, bool discard_unsaved, const Call& call,
             std::shared_ptr<const void> kept = nullptr);

 private:
  explicit OpenDatabase(Database database) : file_(std::move(database)) {}
  explicit OpenDatabase(SealedDatabase database) : sealed_(std::move(database)) {}

  static OpenDatabase open_form(const ProfileFolder& folder, const ProfileRecord& record,
                                const ProfileKeys* keys, const WorkspaceOptions& options,
                                bool create, const Call& call);
  void prepare(const ProfileRecord& record, const WorkspaceOptions& options, const Call& call);

  std::optional<Database> file_;
  mutable std::optional<SealedDatabase> sealed_;
};

/// The lane that the vault itself uses, and the component of its tables.
inline constexpr std::string_view kVaultLane = "vault";

}  // namespace turnstile::vault
