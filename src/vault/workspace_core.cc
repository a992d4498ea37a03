#include "vault/workspace_core.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "database/copies/temp_file.h"
#include "database/serialised_sink.h"
#include "gate/sync_point.h"
#include "gate/write_all.h"
#include "sqlite/raise.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/text_record.h"
#include "vault/timestamp.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMarkerFormat = "turnstile-workspace 1";

// A link on the way to the root is the caller's own; below it there are none.
fs::path absolute_root(const fs::path& root) {
  std::error_code error;
  fs::path result = fs::weakly_canonical(fs::absolute(root, error), error);
  if (error) result = fs::absolute(root, error).lexically_normal();
  return result.has_filename() ? result : result.parent_path();
}

std::int64_t size_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

/// Sinks are promised one call at a time, whichever profile it is about.
WorkspaceOptions with_one_log(WorkspaceOptions options) {
  const auto mutex = std::make_shared<gate::Mutex>();
  options.log_sink = database::serialised(std::move(options.log_sink), mutex);
  options.database.log_sink = options.database.log_sink
                                  ? database::serialised(options.database.log_sink, mutex)
                                  : options.log_sink;
  return options;
}

[[noreturn]] void raise_not_writable(const fs::path& root, const Error& cause) {
  Error::Details details;
  details.code = code("WORKSPACE_NOT_WRITABLE");
  details.message = "the workspace " + quoted(root) + " cannot be written to: " + cause.what();
  details.system_code = cause.system_code();
  details.where = cause.where();
  throw StorageError(std::move(details));
}

void make_folders(const fs::path& path, const Call& call) {
  std::error_code error;
  if (fs::is_directory(path, error)) return;
  if (path.has_relative_path()) make_folders(path.parent_path(), call);
  make_private_folder(path, call);
}

// A folder that is there may have been made by hand, or on another system.
// Others who have the workspace move folders meanwhile, or remove them; these are not made again.
std::size_t narrow_tree(const fs::path& path, const Call& call) {
  gate::sync_point("narrow_tree:found");
  std::size_t narrowed = narrow_folder(path, call) ? 1 : 0;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored))
      narrowed += narrow_tree(entry->path(), call);
  }
  return narrowed;
}

}  // namespace

ProfileInfo describe(const ProfileFolder& folder, const ProfileRecord& record, const Call& call) {
  ProfileInfo info{record.id, record.name, record.kind};
  info.created = time_of(record.created_us);
  info.database_bytes = size_of(folder.part(record.database));
  const fs::path attachments = folder.part(record.attachments);
  for (const std::string& name : names_of(attachments, call)) {
    if (!is_profile_id(name)) continue;
    ++info.attachment_files;
    info.attachment_bytes += size_of(attachments / name);
  }
  if (record.is_protected()) {
    try {
      gate::sync_point("describe:keys");
      for (const KeySlots::Slot& slot : read_key_slots(folder, record, call).slots())
        info.recovery_keys += slot.kind == KeySlots::Kind::Recovery ? 1 : 0;
    } catch (const VaultError& error) {
      info.problem = error.what();
    }
  }
  return info;
}

WorkspaceCore::WorkspaceCore(const fs::path& root, WorkspaceOptions options, const Call& call)
    : layout_(absolute_root(root)), options_(with_one_log(std::move(options))) {
  if (root.empty())
    raise_vault(code("WORKSPACE_INVALID"), "no folder was named for the workspace", call);
  prepare_root(call);
  enter(call);
  put_in_order(call);
}

void WorkspaceCore::prepare_root(const Call& call) {
  std::error_code error;
  const bool is_new = !fs::exists(layout_.marker(), error);
  if (is_new && !options_.create) {
    raise_vault(code("WORKSPACE_INVALID"), "there is no workspace in " + quoted(layout_.root()),
                call, "Check the path, or let it be made.");
  }
  try {
    make_folders(layout_.root(), call);
    // Somebody's own files are not to be mixed with a workspace's, nor their permissions changed.
    if (is_new && !names_of(layout_.root(), call).empty() && !fs::exists(layout_.lock(), error)) {
      raise_vault(code("WORKSPACE_INVALID"),
                  quoted(layout_.root()) + " is not empty, and no workspace", call,
                  "Name an empty folder, or one that does not exist.");
    }
    const std::size_t narrowed = narrow_tree(layout_.root(), call);
    // Before all else: a folder with this file is taken for a workspace in the making by others.
    presence_ = std::make_shared<FileLock>(layout_.lock(), call);
    gate::sync_point("WorkspaceCore:begun");
    make_private_folder(layout_.tmp(), call);
    make_private_folder(layout_.profiles(), call);
    if (narrowed > 0) {
      tell(options_.log_sink, LogEvent::Severity::Warning, "FOLDER_NARROWED",
           std::to_string(narrowed) + " folders of the workspace " + quoted(layout_.root()) +
               " were open to others; they have mode 0700 now");
    }
    // Permissions alone do not tell: the file system may be full or read-only.
    database::TempFile probe(layout_.registry(), call);
    const int cause = gate::write_all(probe.descriptor(), "x");
    if (cause != 0) raise_write("cannot write", probe.path(), cause, call);
  } catch (const StorageError& cause) {
    raise_not_writable(layout_.root(), cause);
  }
}

void WorkspaceCore::enter(const Call& call) {
  const auto mode = options_.exclusive ? FileLock::Mode::Exclusive : FileLock::Mode::Shared;
  if (!presence_->change(mode, FileLock::Byte::Use, call)) {
    Holder holder = presence_->owner();
    if (holder.kind == Holder::Kind::Unknown) holder = presence_->sharer();
    holder.lock = "workspace";
    raise_busy(code("WORKSPACE_IN_USE"), "the workspace " + quoted(layout_.root()) + " is in use",
               std::move(holder), call);
  }
  const auto lock = lock_registry(call);
  const auto text = read_small_file(layout_.marker(), call);
  if (!text) {
    write_file_atomic(layout_.marker(), TextRecord{std::string(kMarkerFormat)}.to_text(), call);
    return;
  }
  const auto marker = TextRecord::parse(*text);
  if (marker && marker->format() == kMarkerFormat) return;
  raise_vault(code("WORKSPACE_INVALID"),
              quoted(layout_.marker()) + (marker ? " is of another format: " + marker->format()
                                                 : std::string(" is damaged")),
              call);
}

void WorkspaceCore::put_in_order(const Call& call) {
  clean_tmp(layout_, call);
  {
    const auto lock = lock_registry(call);
    const Reconciled reconciled = reconcile_registry(layout_, call);
    if (!reconciled.differences.empty()) {
      std::string what = "the registry of the workspace was written anew";
      for (const std::string& difference : reconciled.differences)
        what += "; " + difference;
      tell(options_.log_sink, LogEvent::Severity::Warning, "REGISTRY_REBUILT", std::move(what));
    }
  }
  recover_profiles(call);
}

// Of those that nobody has: whoever has one has recovered it.
void WorkspaceCore::recover_profiles(const Call& call) {
  for (const RegistryEntry& entry : entries(call)) {
    Call at_once = call;
    at_once.deadline = Deadline::after(std::chrono::milliseconds::zero());
    try {
      const ProfileAccess access(layout_, entry.id, FileLock::Mode::Shared, options_.log_sink,
                                 at_once);
    } catch (const Error& error) {
      if (error.code() == code("PROFILE_BUSY") || error.code() == code("PROFILE_NOT_FOUND"))
        continue;
      tell(options_.log_sink, LogEvent::Severity::Error, "PROFILE_NOT_RECOVERED", error.what());
    }
  }
}

Call WorkspaceCore::make_call(std::source_location where) const {
  Call call;
  call.where = where;
  call.deadline = Deadline::after(options_.database.busy_timeout);
  return call;
}

std::unique_ptr<FileLock> WorkspaceCore::lock_registry(const Call& call) const {
  // One of its own: two threads that shared one would not keep each other out.
  auto lock = std::make_unique<FileLock>(layout_.lock(), call);
  if (lock->change(FileLock::Mode::Exclusive, FileLock::Byte::Change, call)) return lock;
  Holder holder;
  holder.lock = "registry lock";
  raise_busy(code("WORKSPACE_IN_USE"),
             "the registry of " + quoted(layout_.root()) + " is being changed", std::move(holder),
             call);
}

std::vector<RegistryEntry> WorkspaceCore::entries(const Call& call) {
  if (auto read = read_registry(layout_, call)) return *std::move(read);
  const auto lock = lock_registry(call);
  Reconciled reconciled = reconcile_registry(layout_, call);
  tell(options_.log_sink, LogEvent::Severity::Warning, "REGISTRY_REBUILT",
       "the registry of the workspace was missing or damaged, and was written anew");
  return std::move(reconciled.entries);
}

std::vector<ProfileInfo> WorkspaceCore::profiles(const Call& call) {
  std::vector<ProfileInfo> result;
  for (const RegistryEntry& entry : entries(call)) {
    try {
      result.push_back(info(entry.id, call));
    } catch (const VaultError& error) {
      if (error.code() == code("PROFILE_NOT_FOUND")) continue;  // It was just deleted.
      result.push_back({entry.id, entry.name});
      result.back().problem = error.what();
    }
  }
  return result;
}

std::string WorkspaceCore::id_of(std::string_view name_or_id, const Call& call) {
  std::error_code error;
  if (is_profile_id(name_or_id) && fs::exists(layout_.profile(name_or_id).path(), error))
    return std::string(name_or_id);
  for (const RegistryEntry& entry : entries(call))
    if (entry.name == name_or_id) return entry.id;
  raise_vault(code("PROFILE_NOT_FOUND"),
              "there is no profile '" + std::string(name_or_id) + "' in " + quoted(layout_.root()),
              call);
}

ProfileInfo WorkspaceCore::info(const std::string& id, const Call& call) {
  const ProfileFolder folder = layout_.profile(id);
  // Without a lock: what a change replaces meanwhile is looked at again.
  ProfileRecord record = require_record(folder, call);
  for (;;) {
    ProfileInfo result = describe(folder, record, call);
    const ProfileRecord now = require_record(folder, call);
    if (now.generation == record.generation) {
      result.unlocked = session_of(id) != nullptr;
      return result;
    }
    record = now;
  }
}

std::shared_ptr<WorkspaceCore::Slot> WorkspaceCore::slot(const std::string& id) {
  const gate::MutexLock lock(mutex_);
  auto& place = slots_[id];
  if (!place) place = std::make_shared<Slot>(id, options_.throttle);
  return place;
}

// The session that is found may be the last of its kind, and must not end under the mutex.
std::shared_ptr<SessionCore> WorkspaceCore::session_of(const std::string& id) {
  std::shared_ptr<SessionCore> session;
  {
    const gate::MutexLock lock(mutex_);
    if (const auto found = sessions_.find(id); found != sessions_.end())
      session = found->second.lock();
  }
  return session && !session->is_locked() ? session : nullptr;
}

std::vector<std::shared_ptr<SessionCore>> WorkspaceCore::sessions() {
  std::vector<std::shared_ptr<SessionCore>> all;
  const gate::MutexLock lock(mutex_);
  for (const auto& [id, session] : sessions_)
    if (auto found = session.lock()) all.push_back(std::move(found));
  return all;
}

void WorkspaceCore::require_unguarded(Slot& slot, const std::string& id, const Call& call) {
  if (slot.guard.expired()) return;
  sqlite::raise_misuse(code("PROFILE_MAINTENANCE"),
                       "a maintenance guard of this workspace has the profile '" + id + "'", call);
}

ProfileAccess WorkspaceCore::take_alone(Slot& slot, const std::string& id, const Call& call) {
  require_unguarded(slot, id, call);
  if (session_of(id)) {
    Holder holder{Holder::Kind::Process, "session"};
    holder.pid = ::getpid();
    raise_busy(code("PROFILE_BUSY"), "the profile '" + id + "' is unlocked in this workspace",
               std::move(holder), call);
  }
  return {layout_, id, FileLock::Mode::Exclusive, options_.log_sink, call};
}

void WorkspaceCore::require_free(std::string_view name, std::string_view id, std::string_view hint,
                                 const Call& call) {
  for (const RegistryEntry& entry : entries(call)) {
    const bool same_id = entry.id == id;
    if (!same_id && entry.name != name) continue;
    sqlite::raise_misuse(code("PROFILE_EXISTS"),
                         same_id ? "there is a profile of the id '" + entry.id + "'"
                                 : "there is a profile of the name '" + entry.name + "'",
                         call, same_id ? std::string(hint) : std::string());
  }
}

ProfileRecord WorkspaceCore::new_record(std::string_view name, std::string id,
                                        ProfileKind kind) const {
  ProfileRecord record;
  record.id = id.empty() ? random_name() : std::move(id);
  record.name = name;
  record.kind = kind;
  record.created_us = now_us();
  return record;
}

ProfileInfo WorkspaceCore::adopt(NewProfile& made, const Call& call) {
  // What it took to make is not held against it.
  Call now = make_call(call.where);
  const auto lock = lock_registry(now);
  std::vector<RegistryEntry> all = reconcile_registry(layout_, now).entries;
  for (const RegistryEntry& entry : all) {
    if (entry.name != made.record().name && entry.id != made.record().id) continue;
    sqlite::raise_misuse(
        code("PROFILE_EXISTS"),
        "there is a profile of the name '" + entry.name + "' or the id '" + entry.id + "'", call);
  }
  made.publish(now);
  all.push_back({made.record().id, made.record().name});
  try {
    write_registry(layout_, all, now);
  } catch (...) {
    try {
      made.withdraw(now);
    } catch (const Error&) {
      // What is told is why it is not there; the registry is reconciled with what is left.
    }
    throw;
  }
  gate::sync_point("WorkspaceCore:registered");
  const ProfileFolder folder = layout_.profile(made.record().id);
  return describe(folder, made.record(), now);
}

}  // namespace turnstile::vault
