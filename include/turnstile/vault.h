// Profiles: several databases, each with its attachments and settings, in one folder that can be
// carried away, some of them behind a password.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/info.h"
#include "turnstile/lane.h"
#include "turnstile/options.h"
#include "turnstile/vault_session.h"

namespace turnstile {

namespace vault {
class WorkspaceCore;
class ProfileGuard;
}  // namespace vault

/// What it costs to try one password: Argon2id with one lane. It is stored with the password's key,
/// so that it can be raised later. Threads: immutable.
struct KeyCost {
  std::uint64_t passes = 3;                              ///< 1 to 16.
  std::uint64_t memory_bytes = std::uint64_t{64} << 20;  ///< 8 KiB to 1 GiB.
};

/// What of a backup is believed. Threads: immutable.
struct BackupLimits {
  std::int64_t files = 4096;
  std::int64_t file_bytes = std::int64_t{1} << 30;
  std::int64_t total_bytes = std::int64_t{4} << 30;
};

/// Backups that a workspace keeps of its profiles. Threads: immutable.
struct KeptBackups {
  /// Where: a folder outside of the workspace, made when it is missing. The backups of a profile
  /// are in a folder of its id in there, with an index of them. Empty: none are kept.
  std::filesystem::path folder{};
  int limit = 10;  ///< Of each profile, at least 1: when there is one more, the oldest is removed.
  /// Workspace::keep_due_backups() makes one when the last one is older; zero: never.
  std::chrono::seconds every{0};
  /// What time it is.
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;
};

/// What a workspace is opened with. Threads: immutable.
struct WorkspaceOptions {
  bool create = true;      ///< Make it, and the folders on the way to it, when it is missing.
  bool exclusive = false;  ///< No other program may have it open meanwhile.

  /// How the database of each profile is opened; its mode is settled by the workspace.
  Options database{};
  /// A profile whose database lacks one of these tables is refused (VAULT_CORRUPTED).
  std::vector<std::string> required_tables{};

  KeyCost key_cost{};  ///< Of passwords that are set from now on.
  /// After a wrong password the next try is refused for this time, after each further one for
  /// twice as long, up to a minute. Zero: never.
  std::chrono::milliseconds throttle{500};

  /// What is lost of a sealed profile when the process dies: the commits of this time. Zero: it is
  /// saved by save() and lock() only.
  std::chrono::milliseconds save_within{1000};
  /// Locks a protected session that nobody has used for so long; a call or closure that goes on is
  /// use. Zero: never.
  std::chrono::milliseconds auto_lock{0};

  /// Of a sealed database, and of one that is to get a password or to be sealed: in memory.
  std::int64_t sealed_limit_bytes = std::int64_t{512} << 20;
  std::int64_t attachment_limit_bytes = std::int64_t{50} << 20;
  std::int64_t preview_limit_bytes = std::int64_t{8}
                                     << 20;  ///< Of VaultSession::read_attachment().
  BackupLimits backup_limits{};
  KeptBackups kept_backups{};

  /// Told of what was put right (REGISTRY_REBUILT, TRANSITION_RECOVERED, FOLDER_NARROWED), of an
  /// image that is older than the last one (VAULT_OLDER), of failed saves, and of backups that were
  /// due and not made (BACKUP_NOT_KEPT); and all that Options::log_sink is told, when that is
  /// empty.
  LogSink log_sink{};
};

/// Settings of Workspace::create. Threads: immutable.
struct CreateProfile {
  ProfileKind kind = ProfileKind::Plain;
  /// Of a protected profile, byte for byte; it must not be blank.
  std::string_view password{};
  /// 1 to 64 of a-z, 0-9, `-` and `_`; empty: a random one.
  std::string id{};
  /// With an id that is there already: give that profile the name, and change nothing else.
  bool or_rename = false;
};

/// What becomes of other unlocked profiles. Those without a password do not count.
enum class OtherSessions {
  Keep,
  Lock,    ///< They are saved and locked first; when that fails, so does the call.
  Refuse,  ///< MisuseError (PROFILE_OTHER_OPEN).
};

/// Settings of Workspace::unlock. Threads: immutable.
struct UnlockOptions {
  bool recovery_key = false;  ///< What is given is a recovery key, not a password.
  OtherSessions others = OtherSessions::Keep;
};

/// Settings of Workspace::backup. Threads: immutable.
struct BackupProfile {
  /// Of a profile without a password: what the backup is encrypted with; empty: it is not. A
  /// protected profile's backup is locked by the profile's own password.
  std::string_view password{};
  bool overwrite = false;
};

/// What a backup says of itself. Threads: immutable.
struct BackupInfo {
  std::string id;
  std::string name;
  ProfileKind kind = ProfileKind::Plain;
  std::chrono::system_clock::time_point created{};
  std::string library_version;
  std::int64_t files = 0;
  std::int64_t bytes = 0;    ///< Of all files.
  bool unprotected = false;  ///< Whoever has the backup can read it.
};

/// Settings of Workspace::restore. Threads: immutable.
struct RestoreProfile {
  /// Of an encrypted backup of a profile without a password.
  std::string_view password{};
  /// Replace this profile, whose id the backup must have; empty: make a profile with the id and
  /// the name of the backup.
  std::string profile{};
  std::string name{};  ///< Of the new profile, instead of the backup's.
  /// A protected profile may be replaced by one that has no password.
  bool remove_password = false;
};

/// A backup that a workspace keeps; inspect_backup() says what is in it. Threads: immutable.
struct KeptBackup {
  std::string profile;  ///< Its id.
  std::filesystem::path file;
  std::chrono::system_clock::time_point created{};
};

/// What Workspace::verify found. Threads: immutable.
struct ProfileVerification {
  std::vector<std::string> problems;  ///< A clause each; empty: it is whole.
  std::int64_t attachments = 0;       ///< That were looked at.
  bool content_checked = false;  ///< False: protected, and no password was given to look inside.

  [[nodiscard]] bool ok() const noexcept { return problems.empty(); }  ///< There are no problems.
};

/// Has a profile alone while it exists: it cannot be unlocked, changed or deleted by anybody else,
/// in no process. Guards of one workspace on one profile may be nested.
///
/// Threads: confined.
class MaintenanceGuard {
 public:
  MaintenanceGuard(MaintenanceGuard&& other) noexcept;
  MaintenanceGuard& operator=(MaintenanceGuard&& other) noexcept;
  ~MaintenanceGuard();

  /// The folder of the profile, whose files may be copied as they are.
  [[nodiscard]] const std::filesystem::path& folder() const noexcept;

 private:
  friend class Workspace;
  explicit MaintenanceGuard(std::shared_ptr<vault::ProfileGuard> guard) noexcept;
  std::shared_ptr<vault::ProfileGuard> guard_;
};

/// A folder of profiles. It can be moved or copied when nobody has it open: nothing in it says
/// where it is. Profiles are named by their name or their id.
///
/// A change of a profile that is interrupted, by kill or a power failure, is undone or finished by
/// whoever opens the workspace, unlocks the profile or changes it next.
///
/// All calls throw StorageError (PROFILE_STORAGE_READ, PROFILE_STORAGE_WRITE); those about a
/// profile VaultError (PROFILE_NOT_FOUND, PROFILE_DAMAGED), those that need it alone Timeout
/// (PROFILE_BUSY, with the holder) and MisuseError (PROFILE_MAINTENANCE).
///
/// Threads: shared.
class Workspace {
 public:
  /// Throws StorageError (WORKSPACE_NOT_WRITABLE), VaultError (WORKSPACE_INVALID), Timeout
  /// (WORKSPACE_IN_USE). Finishes what others left unfinished and empties the temporary folders.
  [[nodiscard]] static Workspace open(const std::filesystem::path& root,
                                      WorkspaceOptions options = {},
                                      std::source_location where = std::source_location::current());

  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  /// Sessions that are still there go on; the folder is theirs until they end.
  ~Workspace();

  [[nodiscard]] const std::filesystem::path& root() const noexcept;  ///< Where it is.

  /// In the order in which they were made.
  [[nodiscard]] std::vector<ProfileInfo> profiles() const;
  [[nodiscard]] ProfileInfo profile(  ///< What is known of it.
      std::string_view name_or_id,
      std::source_location where = std::source_location::current()) const;

  /// Makes a profile: its folders, then its database with the schema and the write-ahead log, all
  /// beside the place that it will have. Whatever interrupts it, there is the whole profile or
  /// nothing. Throws MisuseError (PROFILE_EXISTS, PROFILE_NAME_REQUIRED, PROFILE_NAME_INVALID,
  /// PROFILE_ID_INVALID, PASSWORD_REQUIRED, PASSWORD_UNEXPECTED), and what Database::open does.
  ProfileInfo create(std::string_view name, const CreateProfile& options = {},
                     std::source_location where = std::source_location::current());
  void rename(std::string_view profile, std::string_view new_name,  ///< Gives it another name.
              std::source_location where = std::source_location::current());
  /// Copies a profile with all that it has, under another id. A protected one needs its password,
  /// which the copy has too, with keys of its own. Throws VaultError (INVALID_PASSWORD,
  /// PASSWORD_THROTTLED), and Timeout (PROFILE_BUSY) also when the password was changed meanwhile.
  ProfileInfo duplicate(std::string_view profile, std::string_view new_name,
                        std::string_view password = {},
                        std::source_location where = std::source_location::current());
  /// Deletes a profile that nobody has open.
  void remove(std::string_view profile,
              std::source_location where = std::source_location::current());

  /// Opens a profile; the password of one that has none is empty. A profile that this workspace
  /// has open already is not opened again, and its password not asked for: the result is the same
  /// session. One that is being locked or changed is waited for. Throws VaultError:
  /// INVALID_PASSWORD, PASSWORD_THROTTLED, VAULT_CORRUPTED, VAULT_TOO_LARGE, DB_OPEN_FAILED,
  /// DB_QUERY_FAILED; MisuseError: PASSWORD_REQUIRED, PASSWORD_UNEXPECTED, PROFILE_OTHER_OPEN,
  /// PROFILE_MAINTENANCE; and MigrationError.
  [[nodiscard]] VaultSession unlock(std::string_view profile, std::string_view password = {},
                                    const UnlockOptions& options = {},
                                    std::source_location where = std::source_location::current());
  /// Locks all sessions of this workspace, so that each profile is whole in its files, without
  /// logs beside them, and on the medium: before the medium is removed. Throws what
  /// VaultSession::lock() throws, after it has tried all of them; and when a log is left
  /// nevertheless, Timeout (PROFILE_BUSY) for a profile that another program has open, StorageError
  /// (DB_LOG_LEFT) for one that a program has open which knows nothing of profiles, or whose log
  /// needs the password.
  void eject(std::source_location where = std::source_location::current());

  /// Has the profile alone. Throws Timeout (PROFILE_BUSY) when somebody has it open, this
  /// workspace included.
  [[nodiscard]] MaintenanceGuard guard(
      std::string_view profile, std::source_location where = std::source_location::current());

  /// Writes the profile, as it is at one moment, into one file outside of the workspace. A session
  /// of this workspace is saved first, and its lanes end (see VaultSession). Throws MisuseError:
  /// BACKUP_ALREADY_RUNNING, TARGET_FORBIDDEN, TARGET_INVALID; StorageError (BACKUP_EXISTS),
  /// VaultError (BACKUP_LIMIT).
  BackupInfo backup(std::string_view profile, const std::filesystem::path& destination,
                    const BackupProfile& options = {},
                    std::source_location where = std::source_location::current());
  /// The same in WorkspaceOptions::kept_backups, and removes the oldest of those that are too many.
  /// Files in there that are not of its making stay. Throws MisuseError: OPTION_INVALID without a
  /// folder, TARGET_FORBIDDEN for one in the workspace.
  KeptBackup keep_backup(std::string_view profile,
                         std::source_location where = std::source_location::current());
  /// keep_backup() of each profile whose last one is older than KeptBackups::every, or that has
  /// none. The log sink is told of those that could not be made, such as of a profile that another
  /// program has open. To be called when lanes may end, more often than `every`; gives what it
  /// made.
  std::vector<KeptBackup> keep_due_backups(
      std::source_location where = std::source_location::current());
  /// The oldest first.
  [[nodiscard]] std::vector<KeptBackup> kept_backups(
      std::string_view profile, std::source_location where = std::source_location::current()) const;
  /// Makes a profile of a backup, or puts it in the place of one. All of the backup is checked
  /// before anything is changed. Throws VaultError (BACKUP_LIMIT, BACKUP_PROFILE_DIFFERS,
  /// INVALID_PASSWORD), StorageError (BACKUP_INVALID), MisuseError (PROFILE_EXISTS,
  /// PASSWORD_REQUIRED; PROFILE_ALREADY_PROTECTED for a protected profile that would have no
  /// password any more, see RestoreProfile::remove_password).
  ProfileInfo restore(const std::filesystem::path& backup, const RestoreProfile& options = {},
                      std::source_location where = std::source_location::current());
  /// Looks at all files of a profile; with the password of a protected one, at their content too.
  [[nodiscard]] ProfileVerification verify(
      std::string_view profile, std::string_view password = {},
      std::source_location where = std::source_location::current());

 private:
  explicit Workspace(std::shared_ptr<vault::WorkspaceCore> core) noexcept;
  std::shared_ptr<vault::WorkspaceCore> core_;
};

/// What a backup file says of itself; without a password nothing of it is certain. Throws
/// VaultError (BACKUP_LIMIT, VAULT_FORMAT_UNSUPPORTED), StorageError (BACKUP_INVALID,
/// PROFILE_STORAGE_READ). Threads: shared.
[[nodiscard]] BackupInfo inspect_backup(
    const std::filesystem::path& backup, const BackupLimits& limits = {},
    std::source_location where = std::source_location::current());

}  // namespace turnstile
