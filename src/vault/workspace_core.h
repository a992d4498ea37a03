// What stands behind a Workspace: its folder, its registry, and what this process does with each of
// its profiles.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gate/mutex.h"
#include "turnstile/vault.h"
#include "vault/backup_shelf.h"
#include "vault/call_turn.h"
#include "vault/file_lock.h"
#include "vault/new_profile.h"
#include "vault/password_tries.h"
#include "vault/profile_access.h"
#include "vault/registry.h"
#include "vault/session_core.h"

namespace turnstile::vault {

/// What a MaintenanceGuard holds. Threads: immutable.
class ProfileGuard {
 public:
  ProfileGuard(ProfileAccess access, std::shared_ptr<const FileLock> presence)
      : presence_(std::move(presence)), access_(std::move(access)) {}
  [[nodiscard]] const std::filesystem::path& folder() const noexcept {
    return access_.folder().path();
  }

 private:
  const std::shared_ptr<const FileLock> presence_;
  ProfileAccess access_;
};

/// Threads: shared.
class WorkspaceCore {
 public:
  WorkspaceCore(const std::filesystem::path& root, WorkspaceOptions options, const Call& call);
  WorkspaceCore(const WorkspaceCore&) = delete;
  WorkspaceCore& operator=(const WorkspaceCore&) = delete;

  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] const WorkspaceOptions& options() const noexcept { return options_; }
  [[nodiscard]] Call make_call(std::source_location where) const;

  [[nodiscard]] std::vector<ProfileInfo> profiles(const Call& call);
  /// Throws VaultError (PROFILE_NOT_FOUND).
  [[nodiscard]] std::string id_of(std::string_view name_or_id, const Call& call);
  [[nodiscard]] ProfileInfo info(const std::string& id, const Call& call);

  ProfileInfo create(std::string_view name, const CreateProfile& options, const Call& call);
  void rename(const std::string& id, std::string_view name, const Call& call);
  ProfileInfo duplicate(const std::string& id, std::string_view name, std::string_view password,
                        const Call& call);
  void remove(const std::string& id, const Call& call);

  [[nodiscard]] std::shared_ptr<SessionCore> unlock(const std::string& id,
                                                    std::string_view password,
                                                    const UnlockOptions& options, const Call& call)
      TURNSTILE_EXCLUDES(alone_turn_);
  [[nodiscard]] std::shared_ptr<ProfileGuard> guard(const std::string& id, const Call& call);
  void lock_others(std::string_view id, OtherSessions others, const Call& call);
  void lock_all(const Call& call);
  /// Throws Timeout (PROFILE_BUSY), StorageError (DB_LOG_LEFT).
  void require_no_logs(const Call& call);

  BackupInfo backup(const std::string& id, const std::filesystem::path& destination,
                    const BackupProfile& options, const Call& call);
  KeptBackup keep_backup(const std::string& id, const Call& call);
  std::vector<KeptBackup> keep_due_backups(const Call& call);
  [[nodiscard]] std::vector<KeptBackup> kept_backups(const std::string& id, const Call& call);
  ProfileInfo restore(const std::filesystem::path& backup, const RestoreProfile& options,
                      const Call& call);
  [[nodiscard]] ProfileVerification verify(const std::string& id, std::string_view password,
                                           const Call& call);

 private:
  /// What this process has of one profile. Its turn is held for as long as something is done with
  /// the profile as a whole, so that others of this process wait, and others of other profiles do
  /// not.
  struct Slot {
    Slot(const std::string& id, std::chrono::milliseconds pause)
        : tries(std::make_shared<PasswordTries>(id, pause)),
          turn("the profile '" + id + "' is in use by another call of this process") {}

    const std::shared_ptr<PasswordTries> tries;
    CallTurn turn;
    std::weak_ptr<ProfileGuard> guard TURNSTILE_GUARDED_BY(turn);
    std::atomic<bool> backing_up{false};
  };

  [[nodiscard]] std::shared_ptr<SessionCore> unlock_beside(const std::string& id,
                                                           std::string_view password,
                                                           const UnlockOptions& options,
                                                           const Call& call);

  void prepare_root(const Call& call);
  void enter(const Call& call);
  void put_in_order(const Call& call);
  void recover_profiles(const Call& call);

  [[nodiscard]] std::vector<RegistryEntry> entries(const Call& call);
  /// The registry's lock, for a change. Throws Timeout (WORKSPACE_IN_USE).
  [[nodiscard]] std::unique_ptr<FileLock> lock_registry(const Call& call) const;
  /// Throws MisuseError (PROFILE_EXISTS). `hint` is for when it is the id that somebody has.
  void require_free(std::string_view name, std::string_view id, std::string_view hint,
                    const Call& call);

  /// backup() to wherever it is.
  BackupInfo write_backup(const std::string& id, const std::filesystem::path& target,
                          const BackupProfile& options, const Call& call);
  [[nodiscard]] BackupShelf shelf_of(const std::string& id, const Call& call) const;

  /// Puts the parts of a staged profile in the place of those of the one with its id.
  ProfileInfo replace(const NewProfile& staged, const RestoreProfile& options, const Call& call);
  /// Puts a new profile in its place and in the registry.
  ProfileInfo adopt(NewProfile& made, const Call& call);
  [[nodiscard]] ProfileRecord new_record(std::string_view name, std::string id,
                                         ProfileKind kind) const;

  [[nodiscard]] std::shared_ptr<Slot> slot(const std::string& id) TURNSTILE_EXCLUDES(mutex_);
  /// The session of this workspace that is not locked; null when there is none.
  [[nodiscard]] std::shared_ptr<SessionCore> session_of(const std::string& id)
      TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<std::shared_ptr<SessionCore>> sessions() TURNSTILE_EXCLUDES(mutex_);
  void require_unguarded(Slot& slot, const std::string& id, const Call& call)
      TURNSTILE_REQUIRES(slot.turn);
  /// Of a profile that nobody uses, this workspace included.
  [[nodiscard]] ProfileAccess take_alone(Slot& slot, const std::string& id, const Call& call)
      TURNSTILE_REQUIRES(slot.turn);
  /// Empty for a plain profile. Tries no password while it has to wait.
  [[nodiscard]] std::optional<ProfileKeys> keys_for(Slot& slot, const ProfileAccess& access,
                                                    std::string_view password,
                                                    const UnlockOptions& options, const Call& call)
      TURNSTILE_REQUIRES(slot.turn);
  /// Calls `use` with the parts of a profile that nobody has open meanwhile; a session of this
  /// workspace is closed for that time. Keys are there when the profile is unlocked, or a password
  /// is given.
  void with_contents(const std::string& id, std::string_view password,
                     detail::FunctionRef<void(const Contents&)> use, const Call& call);

  const Layout layout_;
  const WorkspaceOptions options_;
  std::shared_ptr<FileLock> presence_;  // Shared with whoever uses a profile of the workspace.

  // Held by whoever unlocks a profile that is to be the only one: before those of the slots.
  CallTurn alone_turn_{
      "a profile that is to be the only one is being unlocked by another call of this process"};
  gate::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_ TURNSTILE_GUARDED_BY(mutex_);
  std::map<std::string, std::weak_ptr<SessionCore>> sessions_ TURNSTILE_GUARDED_BY(mutex_);
};

/// What can be seen of a profile without its keys; of parts that are not replaced meanwhile.
[[nodiscard]] ProfileInfo describe(const ProfileFolder& folder, const ProfileRecord& record,
                                   const Call& call);

}  // namespace turnstile::vault
