// What a WorkspaceCore does with its profiles.
#include <system_error>
#include <utility>

#include "gate/sync_point.h"
#include "sqlite/raise.h"
#include "turnstile/backup.h"
#include "vault/attachment_store.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/storage/conversion.h"
#include "vault/storage/encrypted_database.h"
#include "vault/storage/encrypted_file.h"
#include "vault/transition.h"
#include "vault/workspace_core.h"

namespace turnstile::vault {

ProfileInfo WorkspaceCore::create(std::string_view name, const CreateProfile& options,
                                  const Call& call) {
  require_profile_name(name, call);
  if (!options.id.empty()) require_profile_id(options.id, call);
  const bool is_protected = options.kind != ProfileKind::Plain;
  if (is_protected) require_password(options.password, call);
  if (!is_protected && !options.password.empty()) {
    sqlite::raise_misuse(code("PASSWORD_UNEXPECTED"),
                         "a plain profile has no password, and one was given", call);
  }
  std::error_code error;
  if (options.or_rename && !options.id.empty() &&
      std::filesystem::exists(layout_.profile(options.id).record(), error)) {
    rename(options.id, name, call);
    return info(options.id, call);
  }
  require_free(name, options.id, "Choose another id.", call);

  NewProfile made(layout_, new_record(name, options.id, options.kind), call);
  std::optional<ProfileKeys> keys;
  if (is_protected) {
    keys = make_keys(made.folder().part(made.record().keys), options.password, options_.key_cost,
                     call);
  }
  OpenDatabase opened =
      OpenDatabase::create(made.folder(), made.record(), keys ? &*keys : nullptr, options_, call);
  gate::sync_point("WorkspaceCore:opened");
  opened.close(std::chrono::seconds(5), false, call);
  return adopt(made, call);
}

// First the profile and then the registry, as whoever removes one does.
void WorkspaceCore::rename(const std::string& id, std::string_view name, const Call& call) {
  require_profile_name(name, call);
  const auto place = slot(id);
  const CallTurn::Hold turn(place->turn, call);
  require_unguarded(*place, id, call);
  std::unique_ptr<FileLock> registry_lock;
  const auto give_name = [&](Transition& transition) {
    registry_lock = lock_registry(call);
    for (const RegistryEntry& entry : reconcile_registry(layout_, call).entries) {
      if (entry.id == id || entry.name != name) continue;
      sqlite::raise_misuse(code("PROFILE_EXISTS"),
                           "there is a profile of the name '" + entry.name + "'", call);
    }
    transition.next().name = name;
  };
  if (const auto session = session_of(id)) {
    session->rewrite([&](Transition& transition, const Contents&) { give_name(transition); }, call);
  } else {
    const ProfileAccess access = take_alone(*place, id, call);
    Transition transition(access.folder(), call);
    give_name(transition);
    transition.commit();
  }
  gate::sync_point("WorkspaceCore:renamed");
  static_cast<void>(reconcile_registry(layout_, call));
}

ProfileInfo WorkspaceCore::duplicate(const std::string& id, std::string_view name,
                                     std::string_view password, const Call& call) {
  require_profile_name(name, call);
  require_free(name, {}, {}, call);
  const ProfileRecord from = require_record(layout_.profile(id), call);
  if (from.is_protected()) {
    require_password(password, call);
    // The copy is made with the keys of a session where there is one; its password counts here.
    const KeySlots slots = read_key_slots(layout_.profile(id), from, call);
    static_cast<void>(
        slot(id)->tries->unlock(slots, password, PasswordTries::Secret::Password, call));
  }
  NewProfile made(layout_, new_record(name, {}, from.kind), call);
  with_contents(
      id, password,
      [&](const Contents& contents) {
        // A copy has the protection that the profile has now, and the password that was proven.
        if (contents.record.kind != from.kind || contents.record.keys != from.keys) {
          raise_busy(code("PROFILE_BUSY"), "the profile '" + from.name + "' was changed meanwhile",
                     {}, call);
        }
        std::optional<ProfileKeys> keys;
        if (made.record().is_protected())
          keys =
              make_keys(made.folder().part(made.record().keys), password, options_.key_cost, call);
        const Contents copy{made.folder(), made.record(), keys ? &*keys : nullptr};
        write_database(contents, copy, static_cast<std::uint64_t>(options_.sealed_limit_bytes));
        write_attachments(contents, copy, call);
      },
      call);
  return adopt(made, call);
}

void WorkspaceCore::remove(const std::string& id, const Call& call) {
  const auto place = slot(id);
  const CallTurn::Hold turn(place->turn, call);
  const ProfileAccess access = take_alone(*place, id, call);
  gate::sync_point("WorkspaceCore:removing");
  const auto registry_lock = lock_registry(call);
  remove_profile(layout_, access.folder(), call);
  gate::sync_point("WorkspaceCore:removed");
  static_cast<void>(reconcile_registry(layout_, call));
}

std::optional<ProfileKeys> WorkspaceCore::keys_for(Slot& slot, const ProfileAccess& access,
                                                   std::string_view password,
                                                   const UnlockOptions& options, const Call& call) {
  if (!access.record().is_protected()) {
    if (password.empty()) return std::nullopt;
    sqlite::raise_misuse(code("PASSWORD_UNEXPECTED"),
                         "the profile '" + access.record().name + "' has no password", call);
  }
  using Secret = PasswordTries::Secret;
  return slot.tries->unlock(read_key_slots(access.folder(), access.record(), call), password,
                            options.recovery_key ? Secret::RecoveryKey : Secret::Password, call);
}

// One at a time, so that two which want no other session beside theirs do not both get it.
std::shared_ptr<SessionCore> WorkspaceCore::unlock(const std::string& id, std::string_view password,
                                                   const UnlockOptions& options, const Call& call) {
  if (options.others == OtherSessions::Keep) return unlock_beside(id, password, options, call);
  gate::sync_point("WorkspaceCore:alone");
  const CallTurn::Hold turn(alone_turn_, call);
  return unlock_beside(id, password, options, call);
}

std::shared_ptr<SessionCore> WorkspaceCore::unlock_beside(const std::string& id,
                                                          std::string_view password,
                                                          const UnlockOptions& options,
                                                          const Call& call) {
  const auto place = slot(id);
  const CallTurn::Hold turn(place->turn, call);
  require_unguarded(*place, id, call);
  lock_others(id, options.others, call);
  // One that is just being locked is not given out.
  if (auto session = session_of(id); session && session->wait_until_settled(call)) return session;
  ProfileAccess access = ProfileAccess::for_session(layout_, id, options_.log_sink, call);
  auto keys = keys_for(*place, access, password, options, call);
  gate::sync_point("WorkspaceCore:unlocking");
  auto session = std::make_shared<SessionCore>(
      layout_, options_, SessionParts{std::move(access), std::move(keys), place->tries, presence_},
      call);
  const gate::MutexLock sessions_lock(mutex_);
  sessions_[id] = session;
  return session;
}

void WorkspaceCore::lock_others(std::string_view id, OtherSessions others, const Call& call) {
  if (others == OtherSessions::Keep) return;
  for (const auto& session : sessions()) {
    if (session->id() == id || session->is_locked()) continue;
    if (!require_record(layout_.profile(session->id()), call).is_protected()) continue;
    if (others == OtherSessions::Lock) {
      session->lock({}, call);
      continue;
    }
    sqlite::raise_misuse(code("PROFILE_OTHER_OPEN"),
                         "the profile '" + session->id() + "' is unlocked", call);
  }
}

void WorkspaceCore::lock_all(const Call& call) {
  std::exception_ptr failure;
  for (const auto& session : sessions()) {
    try {
      session->lock({}, call);
    } catch (const Error&) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  require_no_logs(call);
  sync_medium(layout_.root(), call);
}

// That the sessions of this workspace are locked says nothing of other programs, nor of what a dead
// one has left.
void WorkspaceCore::require_no_logs(const Call& call) {
  Call at_once = call;
  at_once.deadline = Deadline::after(std::chrono::milliseconds::zero());
  for (const RegistryEntry& entry : entries(call)) {
    try {
      const ProfileFolder folder = layout_.profile(entry.id);
      const ProfileRecord record = require_record(folder, call);
      if (record.kind == ProfileKind::Sealed || !log_beside(folder.part(record.database))) continue;
      const ProfileAccess access(layout_, entry.id, FileLock::Mode::Exclusive, options_.log_sink,
                                 at_once);
      settle_log({access.folder(), access.record(), nullptr}, call);
      require_no_log_beside(access.folder().part(access.record().database));
    } catch (const VaultError&) {
      // Damaged or deleted: nobody has it open, and the medium may go all the same.
    }
  }
}

std::shared_ptr<ProfileGuard> WorkspaceCore::guard(const std::string& id, const Call& call) {
  const auto place = slot(id);
  const CallTurn::Hold turn(place->turn, call);
  if (auto there = place->guard.lock()) return there;
  auto made = std::make_shared<ProfileGuard>(take_alone(*place, id, call), presence_);
  place->guard = made;
  return made;
}

void WorkspaceCore::with_contents(const std::string& id, std::string_view password,
                                  detail::FunctionRef<void(const Contents&)> use,
                                  const Call& call) {
  const auto place = slot(id);
  const CallTurn::Hold turn(place->turn, call);
  const auto use_settled = [&](const Contents& contents) {
    settle_log(contents, call);
    use(contents);
  };
  if (const auto session = session_of(id)) return session->while_closed(use_settled, call);
  const ProfileAccess access = take_alone(*place, id, call);
  std::optional<ProfileKeys> keys;
  if (access.record().is_protected() && !password.empty())
    keys = keys_for(*place, access, password, {}, call);
  const Contents contents{access.folder(), access.record(), keys ? &*keys : nullptr};
  use_settled(contents);
}

namespace {

void check_keyless(const Contents& contents, ProfileVerification& found, const Call& call) {
  static_cast<void>(read_key_slots(contents.folder, contents.record, call));
  if (contents.record.kind == ProfileKind::Sealed)
    static_cast<void>(read_sealed_header(contents.folder.part(contents.record.database)));
  const auto attachments = contents.folder.part(contents.record.attachments);
  for (const std::string& name : names_of(attachments, call)) {
    if (!is_profile_id(name)) continue;
    static_cast<void>(read_sealed_header(attachments / name));
    ++found.attachments;
  }
}

void check_content(const Contents& contents, const WorkspaceOptions& options,
                   ProfileVerification& found, const Call& call) {
  const auto path = contents.folder.part(contents.record.database);
  if (contents.record.kind == ProfileKind::Encrypted)
    verify_encrypted_file(path, contents.keys->data_key);
  OpenDatabase opened =
      OpenDatabase::open(contents.folder, contents.record, contents.keys, options, call);
  for (std::string& problem : opened.database().maintenance().integrity_check())
    found.problems.push_back("the database: " + std::move(problem));
  AttachmentCheck check = check_attachments(contents, opened.database().lane(kVaultLane), call);
  found.attachments = check.checked;
  for (std::string& problem : check.problems)
    found.problems.push_back(std::move(problem));
  found.content_checked = true;
  opened.close(std::chrono::seconds(5), false, call);
}

}  // namespace

ProfileVerification WorkspaceCore::verify(const std::string& id, std::string_view password,
                                          const Call& call) {
  ProfileVerification found;
  with_contents(
      id, password,
      [&](const Contents& contents) {
        WorkspaceOptions options = options_;
        options.database.migrations.clear();
        options.required_tables.clear();
        try {
          if (contents.record.is_protected()) check_keyless(contents, found, call);
          if (contents.keys != nullptr || !contents.record.is_protected())
            check_content(contents, options, found, call);
        } catch (const VaultError& error) {
          found.problems.emplace_back(error.what());
        } catch (const StorageError& error) {
          found.problems.emplace_back(error.what());
        }
      },
      call);
  return found;
}

}  // namespace turnstile::vault
