#include "vault/profile_access.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "gate/file_locks.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/transition.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

void tell(const LogSink& sink, LogEvent::Severity severity, std::string_view code,
          std::string message) {
  if (sink) sink({severity, code, std::move(message)});
}

namespace {

[[noreturn]] void raise_foreign(const fs::path& path, std::string_view what, const Call& call) {
  raise_vault(code("PROFILE_DAMAGED"), quoted(path) + " is no " + std::string(what), call,
              "Nothing was read or changed through it. Look who has put it there.");
}

void require_profile_folder(const ProfileFolder& folder, const Call& call) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(folder.path(), error);
  if (fs::is_directory(status)) return;
  if (fs::exists(status)) raise_foreign(folder.path(), "folder", call);
  raise_vault(code("PROFILE_NOT_FOUND"),
              "there is no profile '" + folder.path().filename().string() + "'", call);
}

// A link would lead to files of somebody else, which SQLite would open and write to. What the
// record does not name is only ever renamed and removed.
void require_own_parts(const ProfileFolder& folder, const ProfileRecord& record, const Call& call) {
  for (const std::string& name : names_of(folder.path(), call)) {
    const fs::path path = folder.part(name);
    const bool is_folder = name == record.attachments || path == folder.tmp();
    if (!is_folder && !record.owns(name)) continue;
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (is_folder && !fs::is_directory(status)) raise_foreign(path, "folder", call);
    if (!is_folder && fs::exists(status) && !fs::is_regular_file(status))
      raise_foreign(path, "regular file", call);
  }
}

}  // namespace

ProfileAccess::ProfileAccess(const Layout& layout, std::string_view id, Mode mode,
                             const LogSink& sink, const Call& call)
    : folder_(layout.profile(id)), mode_(Mode::None) {
  do {
    require_profile_folder(folder_, call);
    mode_ = Mode::None;
    lock_ = std::make_unique<FileLock>(folder_.lock(), call);
    // Whoever can have it alone sees to what others have left, whatever it needs itself.
    if (lock_->try_change(Mode::Exclusive)) {
      mode_ = Mode::Exclusive;
      if (!lock_->is_in_place()) continue;
      const RecoveredProfile recovered = recover_profile(folder_, call);
      record_ = recovered.record;
      if (recovered.left_over > 0) {
        tell(sink, LogEvent::Severity::Warning, "TRANSITION_RECOVERED",
             "a change of the profile '" + record_.name + "' was interrupted; " +
                 std::to_string(recovered.left_over) + " parts of it were removed");
      }
    }
    change(mode, call);
  } while (!lock_->is_in_place());
  record_ = require_record(folder_, call);
  require_own_parts(folder_, record_, call);
}

ProfileAccess ProfileAccess::for_session(const Layout& layout, std::string_view id,
                                         const LogSink& sink, const Call& call) {
  for (;;) {
    require_profile_folder(layout.profile(id), call);
    const ProfileKind expected = require_record(layout.profile(id), call).kind;
    const Mode mode = expected == ProfileKind::Sealed ? Mode::Exclusive : Mode::Shared;
    ProfileAccess access(layout, id, mode, sink, call);
    // It may have been converted while the lock was waited for.
    if (access.record().kind == expected) return access;
  }
}

void ProfileAccess::change(Mode mode, const Call& call) {
  if (mode == mode_) return;
  if (!lock_->change(mode, FileLock::Byte::Use, call)) raise_profile_busy(call);
  mode_ = mode;
}

void ProfileAccess::reload(const Call& call) {
  record_ = require_record(folder_, call);
}

// Sessions that share the lock do not sign it, but SQLite's locks say whose they are.
void ProfileAccess::raise_profile_busy(const Call& call) const {
  Holder holder = lock_->owner();
  try {
    const ProfileRecord record = require_record(folder_, call);
    if (record.kind != ProfileKind::Sealed) {
      for (const gate::FileLock& lock : gate::file_locks(folder_.part(record.database))) {
        if (lock.pid == 0) continue;
        holder.kind = Holder::Kind::Process;
        holder.pid = lock.pid;
        holder.program = lock.program;
        break;
      }
    }
  } catch (const Error&) {
    // The message does with less.
  }
  const bool own = holder.pid == ::getpid();
  raise_busy(code("PROFILE_BUSY"),
             "the profile '" + folder_.path().filename().string() + "' is in use" +
                 (own ? " by another session of this process" : ""),
             std::move(holder), call);
}

}  // namespace turnstile::vault
