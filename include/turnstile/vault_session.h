// An unlocked profile.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/info.h"
#include "turnstile/lane.h"

namespace turnstile {

namespace vault {
class SessionCore;
}  // namespace vault

/// How a profile lies on the disk.
enum class ProfileKind {
  Plain,      ///< A database file without a password; many programs may have it open.
  Sealed,     ///< One encrypted file; the database is in memory, of one program at a time.
  Encrypted,  ///< A database file whose pages are encrypted; many programs may have it open.
};
[[nodiscard]] std::string_view to_string(ProfileKind kind) noexcept;  ///< In lower case.
/// Nothing for any other text.
[[nodiscard]] std::optional<ProfileKind> profile_kind_of(std::string_view text) noexcept;

/// What is known of a profile without its password. Threads: immutable.
struct ProfileInfo {
  std::string id;
  std::string name;
  ProfileKind kind = ProfileKind::Plain;
  std::chrono::system_clock::time_point created{};
  std::int64_t database_bytes = 0;
  std::int64_t attachment_files = 0;
  std::int64_t attachment_bytes = 0;  ///< On the disk.
  int recovery_keys = 0;
  bool unlocked = false;  ///< By this workspace.
  std::string problem{};  ///< Why it cannot be used, as far as can be seen; empty: it can.
  /// It has a password.
  [[nodiscard]] bool is_protected() const noexcept { return kind != ProfileKind::Plain; }
};

/// A file that belongs to a profile. Threads: immutable.
struct Attachment {
  std::string id;
  std::string owner;  ///< What it belongs to, in the words of the application.
  std::string name;
  std::string type;  ///< Such as `image/png`; as it was given.
  std::int64_t size_bytes = 0;
  std::string sha256;
  std::chrono::system_clock::time_point created{};
  std::optional<std::chrono::system_clock::time_point> removed{};  ///< In the waste bin since.
};

/// What is to be known of a new attachment. Threads: immutable.
struct AttachOptions {
  std::string name{};  ///< Empty: that of the file.
  std::string owner{};
  std::string type{};
};

/// What VaultSession::sweep_attachments put right. Threads: immutable.
struct SweepReport {
  std::vector<std::string> files_without_row;  ///< Ids; the files are removed.
  std::vector<std::string> rows_without_file;  ///< Ids; the rows are removed.
};

/// What a sealed profile has on the disk. Threads: immutable.
struct SavedState {
  bool unsaved = false;          ///< There may be commits that are in memory only.
  std::uint64_t saves = 0;       ///< Since it was unlocked.
  std::exception_ptr failure{};  ///< Why the last save failed; null after one that succeeded.
  /// Number of the state on the disk, which grows with each save. Who keeps it elsewhere notices
  /// also that all files of the profile were put back to an earlier moment.
  std::uint64_t generation = 0;
};

/// Settings of VaultSession::lock. Threads: immutable.
struct LockOptions {
  /// How long closures that run may go on before they are interrupted.
  std::chrono::milliseconds drain{5000};
  /// Give up what a sealed profile could not save.
  bool discard_unsaved = false;
};

/// An unlocked profile. Copies are the same session. It ends with lock(), by itself after
/// WorkspaceOptions::auto_lock, and when its last copy is destroyed; then every call throws
/// VaultError (VAULT_LOCKED), but id(), is_locked() and lock(); lanes of it throw MisuseError
/// (DB_CLOSED).
///
/// A change of the profile's form (set_password(), remove_password(), convert(), rotate_key()) and
/// a backup close its database for that time and open it again: lanes from before throw DB_CLOSED
/// from then on, so that lane() has to be asked again. Such a change throws Timeout (PROFILE_BUSY)
/// when another program, or a guard, has the profile, and MisuseError inside a closure; nothing is
/// changed then. Closures that run are waited for as long as Options::busy_timeout says, and
/// interrupted then. One that does not end even so fails the change (CLOSE_TIMEOUT): the profile is
/// as it was, and the session is locked.
///
/// Threads: shared.
class VaultSession {
 public:
  [[nodiscard]] const std::string& id() const noexcept;  ///< Of the profile.
  [[nodiscard]] bool is_locked() const noexcept;         ///< After lock().
  [[nodiscard]] ProfileInfo info() const;                ///< What is known of the profile.

  /// A lane of the profile's database. Throws also MisuseError (PROFILE_MAINTENANCE) while the
  /// profile is being changed.
  [[nodiscard]] Lane lane(std::string_view name, LaneOptions options = {},
                          std::source_location where = std::source_location::current()) const;
  [[nodiscard]] DatabaseInfo database_info() const;  ///< Of its open database.
  /// Writes the database as one plain file to a place outside of the workspace. That of a plain or
  /// sealed profile is copied as Database::backup() does, while lanes go on; an encrypted one is
  /// closed for that time, as by a change of its form, and decrypted page by page. Throws
  /// MisuseError (TARGET_FORBIDDEN, TARGET_INVALID), StorageError (BACKUP_EXISTS), Timeout
  /// (PROFILE_BUSY) for an encrypted one that another program has open.
  void export_database(const std::filesystem::path& destination,
                       std::source_location where = std::source_location::current()) const;

  /// Counts as use, and so puts auto_lock off; so do lane() and all that has to do with
  /// attachments.
  void touch() const;

  /// Has everything that was committed on the disk. Throws VaultError (VAULT_NOT_SAVED).
  void save(std::source_location where = std::source_location::current()) const;
  [[nodiscard]] SavedState saved_state() const;  ///< Of a sealed profile.

  /// Ends the session: closures end, the database closes, a sealed one is saved, and keys are
  /// overwritten. Waits for a change or another lock() that is going on. Throws VaultError
  /// (VAULT_NOT_SAVED), and the session goes on with all that it has, though lanes from before may
  /// have ended; Timeout (CLOSE_TIMEOUT) when a closure does not end even when interrupted: then
  /// the session is locked all the same, and when the closure ends, a sealed profile is saved, keys
  /// are overwritten, and others can have the profile. Takes as long as `drain`, the saving of a
  /// sealed profile, and a save by itself that waits for a transaction, for up to
  /// Options::busy_timeout. Nothing to do for one that is locked.
  void lock(const LockOptions& options = {},
            std::source_location where = std::source_location::current()) const;

  // The password. Each is one step: killed anywhere, the profile is as before or as after it. So it
  // is, and the session with it, after a StorageError: a medium can fail when the step is taken.

  /// Protects a profile that has no password. Takes as much memory as its database is large, for
  /// either kind. Throws MisuseError: PROFILE_ALREADY_PROTECTED, PASSWORD_REQUIRED; VaultError
  /// (VAULT_TOO_LARGE) beyond WorkspaceOptions::sealed_limit_bytes.
  void set_password(std::string_view password, ProfileKind kind = ProfileKind::Sealed,
                    std::source_location where = std::source_location::current()) const;
  /// Rewrites the key slots and nothing else; lanes go on. Recovery keys stay, and one of them may
  /// be given for a password that was forgotten. Whoever has a copy of the former slots can still
  /// unlock the profile with the former password: see rotate_key(). Throws MisuseError
  /// (PROFILE_NOT_PROTECTED, PASSWORD_REQUIRED), VaultError (INVALID_PASSWORD, PASSWORD_THROTTLED).
  void change_password(std::string_view password, std::string_view new_password,
                       std::source_location where = std::source_location::current()) const;
  /// Makes a plain profile of it; with the password, or a recovery key.
  void remove_password(std::string_view password,
                       std::source_location where = std::source_location::current()) const;
  /// From sealed to encrypted, or back. MisuseError (PROFILE_NOT_PROTECTED) from or to plain.
  void convert(ProfileKind kind,
               std::source_location where = std::source_location::current()) const;
  /// Encrypts everything anew with a new data key, for the same password. Recovery keys end, and so
  /// does what copies of former key slots lead to.
  void rotate_key(std::string_view password,
                  std::source_location where = std::source_location::current()) const;
  /// A further way to unlock the profile, to be written down: 13 groups of 4 letters and digits.
  [[nodiscard]] std::string add_recovery_key(
      std::source_location where = std::source_location::current()) const;
  /// Takes all recovery keys away.
  void remove_recovery_keys(std::source_location where = std::source_location::current()) const;

  // Attachments: rows in the profile's database, bytes in files of their own, sealed one by one in
  // a protected profile. Memory stays small whatever their size, but for read_attachment().

  /// Throws MisuseError (ATTACHMENT_NAME_INVALID), VaultError: ATTACHMENT_TOO_LARGE,
  /// ATTACHMENT_READ.
  Attachment attach(const std::filesystem::path& file, const AttachOptions& options = {},
                    std::source_location where = std::source_location::current()) const;
  /// The same for bytes in memory; they need a name.
  Attachment attach_bytes(std::span<const std::byte> bytes, const AttachOptions& options,
                          std::source_location where = std::source_location::current()) const;
  /// The oldest first; without `owner` those of all. Throws VaultError (ATTACHMENT_CORRUPTED) for
  /// a row that this library cannot have made.
  [[nodiscard]] std::vector<Attachment> attachments(std::string_view owner = {},
                                                    bool removed = false) const;
  /// Throws VaultError (ATTACHMENT_NOT_FOUND).
  [[nodiscard]] Attachment attachment(
      std::string_view id, std::source_location where = std::source_location::current()) const;
  /// Its bytes, for a preview. Throws VaultError: ATTACHMENT_TOO_LARGE beyond
  /// WorkspaceOptions::preview_limit_bytes, ATTACHMENT_CORRUPTED.
  [[nodiscard]] std::vector<std::byte> read_attachment(
      std::string_view id, std::source_location where = std::source_location::current()) const;
  /// Writes it to a file outside of the workspace, which must not be there yet. Throws VaultError
  /// (ATTACHMENT_CORRUPTED), MisuseError: TARGET_FORBIDDEN, TARGET_INVALID; StorageError.
  void save_attachment(std::string_view id, const std::filesystem::path& destination,
                       std::source_location where = std::source_location::current()) const;
  /// Into the waste bin, and back.
  void remove_attachment(std::string_view id,
                         std::source_location where = std::source_location::current()) const;
  void recover_attachment(std::string_view id,  ///< Takes it out of the waste bin.
                          std::source_location where = std::source_location::current()) const;
  /// Deletes it for good; no matter whether its file is there.
  void purge_attachment(std::string_view id,
                        std::source_location where = std::source_location::current()) const;
  /// Finds files without a row and rows without a file, which a crash can leave, and removes them;
  /// also rows whose id can be no file's name.
  SweepReport sweep_attachments(std::source_location where = std::source_location::current()) const;

  // Settings: names and values in the profile's database.

  [[nodiscard]] std::optional<std::string> setting(std::string_view name) const;  ///< Empty: unset.
  /// Empty: the setting is removed.
  void set_setting(std::string_view name, std::optional<std::string_view> value) const;

 private:
  friend class Workspace;
  explicit VaultSession(std::shared_ptr<vault::SessionCore> core) noexcept;
  std::shared_ptr<vault::SessionCore> core_;
};

}  // namespace turnstile
