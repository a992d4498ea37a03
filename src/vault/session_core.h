// What stands behind a VaultSession: the open database of a profile, its lock and its keys, and who
// may use them when.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "gate/mutex.h"
#include "turnstile/detail/function_ref.h"
#include "turnstile/vault.h"
#include "vault/contents.h"
#include "vault/file_lock.h"
#include "vault/open_database.h"
#include "vault/password_tries.h"
#include "vault/profile_access.h"
#include "vault/profile_keys.h"
#include "vault/transition.h"

namespace turnstile::vault {

/// What a session begins with. Threads: confined.
struct SessionParts {
  ProfileAccess access;
  std::optional<ProfileKeys> keys;           ///< None of a plain profile.
  std::shared_ptr<PasswordTries> tries;      ///< Of the profile's password.
  std::shared_ptr<const FileLock> presence;  ///< Says that the workspace is in use.
};

/// Threads: shared.
class SessionCore {
 public:
  /// Opens the database. Throws what OpenDatabase::open() does.
  SessionCore(const Layout& layout, const WorkspaceOptions& options, SessionParts parts,
              const Call& call);
  /// As lock(), but tells failures to the log sink.
  ~SessionCore();
  SessionCore(const SessionCore&) = delete;
  SessionCore& operator=(const SessionCore&) = delete;

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] const WorkspaceOptions& options() const noexcept { return options_; }
  [[nodiscard]] PasswordTries& tries() const noexcept { return *tries_; }
  [[nodiscard]] bool is_locked() const TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] Call make_call(std::source_location where) const;
  /// Waits while it is being changed or locked. False: it is locked then. Throws MisuseError
  /// (PROFILE_MAINTENANCE) when that does not end by the call's deadline.
  [[nodiscard]] bool wait_until_settled(const Call& call) const TURNSTILE_EXCLUDES(mutex_);

  /// What a call uses; while one exists, nothing of the session is closed or changed.
  ///
  /// Threads: scoped.
  class Use {
   public:
    /// Only a `touch` puts auto_lock off. Throws VaultError (VAULT_LOCKED), MisuseError
    /// (PROFILE_MAINTENANCE).
    Use(SessionCore& core, const Call& call, bool touch = true);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    [[nodiscard]] OpenDatabase& open() const noexcept { return *core_.open_; }
    [[nodiscard]] Contents contents() const noexcept { return core_.contents(); }

   private:
    SessionCore& core_;
  };

  void save(const Call& call);
  void lock(const LockOptions& options, const Call& call);

  /// What a change does to the profile; the keys that it returns are those afterwards, and none
  /// means those from before.
  using Build = detail::FunctionRef<std::optional<ProfileKeys>(Transition&, const Contents&)>;
  /// Has the profile alone and its database closed meanwhile, and commits. `require` is asked
  /// first, with the record as it is then; it throws what keeps the change from being.
  void transform(detail::FunctionRef<void(const ProfileRecord&)> require, Build build,
                 const Call& call);
  /// The same for what does not touch the database, which stays open.
  void rewrite(detail::FunctionRef<void(Transition&, const Contents&)> build, const Call& call);
  /// Calls `use` with the profile alone and its database open.
  void alone(detail::FunctionRef<void(const Contents&, OpenDatabase&)> use, const Call& call);
  /// Calls `use` with the database closed; nobody else changes the profile meanwhile.
  void while_closed(detail::FunctionRef<void(const Contents&)> use, const Call& call);

 private:
  enum class State { Open, Changing, Locked };

  /// From now on nobody else uses it. Throws as Use does, and Timeout (PROFILE_BUSY).
  void begin_change(const Call& call) TURNSTILE_EXCLUDES(mutex_);
  /// The same after a change that is going on; false: it is locked.
  [[nodiscard]] bool begin_lock(const Call& call) TURNSTILE_EXCLUDES(mutex_);
  /// Waits while it is being changed. False: it is locked. Throws MisuseError
  /// (PROFILE_MAINTENANCE).
  [[nodiscard]] bool settle(const Call& call) const TURNSTILE_REQUIRES(mutex_);
  void have_alone(const Call& call) TURNSTILE_REQUIRES(mutex_);
  void end_change(State state) TURNSTILE_EXCLUDES(mutex_);
  /// begin_change(), `act`, end_change(), whatever it throws.
  void changing(detail::FunctionRef<void()> act, const Call& call);
  void close_database(const LockOptions& options, const Call& call);
  /// The same within the call's deadline; when it stays open, others may share it again.
  void close_for_change(const Call& call);
  void open_database(const Call& call);
  /// Takes over what the profile is now, with the keys of a change that may have been made.
  void reload(std::optional<ProfileKeys> changed, const Call& call);
  /// The same, and open_database(); a session for which that fails is locked.
  void reopen(std::optional<ProfileKeys> changed, const Call& call);
  /// The same after something failed, whose exception is the one that counts.
  void reopen_after_failure(std::optional<ProfileKeys> changed, const Call& call) noexcept;
  /// Numbers of the states of a sealed image.
  struct States {
    std::uint64_t noted = 0;
    std::uint64_t found = 0;
  };
  [[nodiscard]] static States states_of(const Contents& sealed) noexcept;
  void watch_image(const States& states);
  void share_lock(const Call& call);
  /// reload() and share_lock(), whatever it throws.
  void share_again(const Call& call);
  [[nodiscard]] Contents contents() const noexcept;
  void forget() noexcept;

  void run_auto_lock();
  /// A number that changes when it was used; empty while it is.
  [[nodiscard]] std::optional<std::uint64_t> activity() TURNSTILE_EXCLUDES(mutex_);

  const Layout layout_;
  const WorkspaceOptions options_;
  const std::string id_;
  const std::shared_ptr<PasswordTries> tries_;

  // Whoever has a Use reads these, whoever has begun a change writes them.
  std::shared_ptr<const FileLock> presence_;  // Null once it is locked.
  std::shared_ptr<ProfileAccess> access_;     // The same.
  std::optional<ProfileKeys> keys_;
  std::optional<OpenDatabase> open_;  // Empty while it is being changed, and once it is locked.

  mutable gate::Mutex mutex_;
  mutable gate::CondVar changed_;
  State state_ TURNSTILE_GUARDED_BY(mutex_) = State::Open;
  int uses_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  std::uint64_t touches_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  bool ending_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::thread auto_lock_;
};

}  // namespace turnstile::vault
