// A database that is encrypted in one file and open in memory only. Lanes, turns and schema steps
// work as with any other Database; nothing but the sealed file is ever on the medium.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <source_location>
#include <string>

#include "turnstile/database.h"
#include "vault/crypto/key_slots.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/storage/sealed_file.h"

namespace turnstile::vault {

/// Threads: immutable.
struct SealedOptions {
  /// Of the database in memory. Its mode is Memory whatever it says; what concerns a file is
  /// ignored.
  Options database;
  /// What is lost when the process dies: the commits of this time before, and of the save that was
  /// running. It begins with the first commit after a save. Zero: only save() and close() save.
  std::chrono::milliseconds save_within{1000};
  /// How large the database may become. Checked before a file is opened; a write that would pass
  /// it throws StorageError (DB_DISK_FULL).
  std::uint64_t limit_bytes = std::uint64_t{512} << 20;
  /// Notes the number of each saved state beside the file, see note_state(). A note that cannot be
  /// written is told to the log sink (STATE_NOT_NOTED), and the state is saved all the same.
  bool notes_state = false;
};

/// Threads: immutable.
struct SaveState {
  std::uint64_t generation = 0;     ///< Of the file, as last read or written.
  std::uint64_t content_bytes = 0;  ///< Of the database when it was last saved.
  std::uint64_t saves = 0;          ///< Files written since it was opened.
  bool unsaved = false;             ///< There may be commits that are not in the file.
  /// Why the last save failed; null after one that succeeded.
  std::exception_ptr failure;
};

/// Threads: shared, but for close(), discard() and the destructor, which come after everything
/// else.
class SealedDatabase {
 public:
  /// An empty database, with the schema steps of its options, saved to `path` before it returns.
  /// Purpose and generation of `seal` are not looked at. Throws StorageError (BACKUP_EXISTS when
  /// there is a file already), and what Database::open throws.
  [[nodiscard]] static SealedDatabase create(const std::filesystem::path& path,
                                             const SecretBytes& data_key, Seal seal,
                                             SealedOptions options);
  /// Throws VaultError (VAULT_CORRUPTED, VAULT_TOO_LARGE), StorageError, and what Database::open
  /// throws, such as MigrationError. If schema steps were run it is saved before it returns.
  [[nodiscard]] static SealedDatabase open(const std::filesystem::path& path,
                                           const SecretBytes& data_key, Seal seal,
                                           SealedOptions options);
  SealedDatabase(SealedDatabase&& other) noexcept;
  SealedDatabase& operator=(SealedDatabase&& other) noexcept;
  /// As close(), but tells failures to the log sink only.
  ~SealedDatabase();

  /// The database in memory. A handle that is opened beside it, by whatever name, is another one.
  /// What Database::backup makes of it is a plain file. Throws VaultError (VAULT_LOCKED) once it is
  /// closed.
  [[nodiscard]] Database& database();

  /// Returns when everything that was committed before the call is in the file, on the medium.
  /// Calls at the same time share one save. Does nothing when nothing was changed. Throws
  /// StorageError; the content stays in memory, and it is tried again after save_within.
  void save(std::source_location where = std::source_location::current());
  [[nodiscard]] SaveState state() const;

  /// Saves, closes the database (see Database::close) and overwrites its memory. When it cannot be
  /// saved, throws VaultError (VAULT_NOT_SAVED) and stays open, or opens again: lanes from before
  /// may have ended. Timeout (CLOSE_TIMEOUT) when a closure did not end within `drain`: it is
  /// saved, and key and memory are overwritten, when the closure ends; `kept` exists until then.
  CloseReport close(std::chrono::milliseconds drain = std::chrono::milliseconds(5000),
                    std::source_location where = std::source_location::current(),
                    std::shared_ptr<const void> kept = nullptr);
  /// The same without saving: after a Timeout the file is as of the last save.
  CloseReport discard(std::chrono::milliseconds drain = std::chrono::milliseconds(5000));

 private:
  class Impl;
  explicit SealedDatabase(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;  // Shared with whoever closes it late.
};

}  // namespace turnstile::vault
