// A profile that this process may use: its lock, its place and its record.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "turnstile/options.h"
#include "vault/file_lock.h"
#include "vault/layout.h"
#include "vault/profile_record.h"

namespace turnstile::vault {

/// Tells a log sink, if there is one.
void tell(const LogSink& sink, LogEvent::Severity severity, std::string_view code,
          std::string message);

/// Threads: confined.
class ProfileAccess {
 public:
  using Mode = FileLock::Mode;

  /// Takes the lock within the call's deadline, and recovers the profile if nobody else has it.
  /// Throws VaultError (PROFILE_NOT_FOUND, PROFILE_DAMAGED), Timeout (PROFILE_BUSY), StorageError.
  ProfileAccess(const Layout& layout, std::string_view id, Mode mode, const LogSink& sink,
                const Call& call);
  /// The same with what the kind of the profile needs for a session: exclusive for a sealed one.
  [[nodiscard]] static ProfileAccess for_session(const Layout& layout, std::string_view id,
                                                 const LogSink& sink, const Call& call);

  [[nodiscard]] const ProfileFolder& folder() const noexcept { return folder_; }
  [[nodiscard]] const ProfileRecord& record() const noexcept { return record_; }
  [[nodiscard]] bool is_exclusive() const noexcept { return mode_ == Mode::Exclusive; }

  /// Throws Timeout (PROFILE_BUSY), and the lock is as it was.
  void change(Mode mode, const Call& call);
  /// Reads the record again, after this process has changed it.
  void reload(const Call& call);

 private:
  [[noreturn]] void raise_profile_busy(const Call& call) const;

  ProfileFolder folder_;
  std::unique_ptr<FileLock> lock_;
  ProfileRecord record_;
  Mode mode_;
};

}  // namespace turnstile::vault
