// How a WorkspaceCore writes backups of its profiles, and takes them back.
#include <utility>

#include "gate/sync_point.h"
#include "sqlite/raise.h"
#include "turnstile/backup.h"
#include "vault/archive.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/transition.h"
#include "vault/workspace_core.h"

namespace turnstile::vault {

namespace {

/// Says that a backup is being made, for as long as it exists; one at a time.
///
/// Threads: scoped.
class BackupMark {
 public:
  BackupMark(std::atomic<bool>& flag, const std::string& id, const Call& call) : flag_(flag) {
    if (!flag_.exchange(true)) return;
    sqlite::raise_misuse(code("BACKUP_ALREADY_RUNNING"),
                         "a backup of the profile '" + id + "' is being made", call);
  }
  ~BackupMark() { flag_ = false; }
  BackupMark(const BackupMark&) = delete;
  BackupMark& operator=(const BackupMark&) = delete;

 private:
  std::atomic<bool>& flag_;
};

/// What can be told of the parts of a backup without a password.
void require_sound(const Contents& contents, const std::filesystem::path& backup,
                   const Call& call) {
  const auto path = contents.folder.part(contents.record.database);
  std::string why;
  if (contents.record.kind == ProfileKind::Plain) {
    const VerifyReport report = verify_file(path.string(), {}, call.where);
    if (!report.ok()) why = report.problems.front();
  } else {
    static_cast<void>(read_key_slots(contents.folder, contents.record, call));
    if (is_plain_database(path)) why = "its database is not encrypted";
    if (contents.record.kind == ProfileKind::Sealed) static_cast<void>(read_sealed_header(path));
  }
  if (why.empty()) return;
  Error::Details details;
  details.code = code("BACKUP_INVALID");
  details.message = quoted(backup) + " cannot be restored: " + why;
  details.where = call.where;
  throw StorageError(std::move(details));
}

}  // namespace

BackupInfo WorkspaceCore::backup(const std::string& id, const std::filesystem::path& destination,
                                 const BackupProfile& options, const Call& call) {
  return write_backup(id, require_outside(layout_, destination, call), options, call);
}

BackupInfo WorkspaceCore::write_backup(const std::string& id, const std::filesystem::path& target,
                                       const BackupProfile& options, const Call& call) {
  const auto place = slot(id);
  const BackupMark mark(place->backing_up, id, call);
  gate::sync_point("WorkspaceCore:backup");
  BackupInfo info;
  with_contents(
      id, {},
      [&](const Contents& contents) {
        if (options.password.empty()) {
          info = write_archive(target, contents.record, contents, options_.backup_limits,
                               options.overwrite, call);
          return;
        }
        if (contents.record.is_protected()) {
          sqlite::raise_misuse(code("PASSWORD_UNEXPECTED"),
                               "the backup of a protected profile has the profile's password",
                               call);
        }
        // Encrypted as a profile that nobody ever sees: nothing of it is plain on the medium twice.
        NewProfile made(layout_, new_record(contents.record.name, id, ProfileKind::Encrypted),
                        call);
        const ProfileKeys keys = make_keys(made.folder().part(made.record().keys), options.password,
                                           options_.key_cost, call);
        const Contents copy{made.folder(), made.record(), &keys};
        write_database(contents, copy, static_cast<std::uint64_t>(options_.sealed_limit_bytes));
        write_attachments(contents, copy, call);
        info = write_archive(target, contents.record, copy, options_.backup_limits,
                             options.overwrite, call);
      },
      call);
  return info;
}

BackupShelf WorkspaceCore::shelf_of(const std::string& id, const Call& call) const {
  const KeptBackups& kept = options_.kept_backups;
  if (kept.folder.empty() || kept.limit < 1) {
    sqlite::raise_misuse(code("OPTION_INVALID"),
                         kept.folder.empty() ? "the workspace has no folder for backups"
                                             : "less than one backup of a profile cannot be kept",
                         call);
  }
  return {require_folder_outside(layout_, kept.folder, call), id};
}

KeptBackup WorkspaceCore::keep_backup(const std::string& id, const Call& call) {
  const BackupShelf shelf = shelf_of(id, call);
  KeptBackup made = shelf.next(options_.kept_backups.now(), call);
  write_backup(id, made.file, {}, call);
  gate::sync_point("WorkspaceCore:kept");
  // What it took to make is not held against it.
  shelf.add(made, options_.kept_backups.limit, make_call(call.where));
  return made;
}

std::vector<KeptBackup> WorkspaceCore::keep_due_backups(const Call& call) {
  std::vector<KeptBackup> made;
  const KeptBackups& kept = options_.kept_backups;
  if (kept.every.count() <= 0) return made;
  for (const RegistryEntry& entry : entries(call)) {
    try {
      const auto there = kept_backups(entry.id, call);
      const auto now = kept.now();
      // One of the future was made by another clock, which says nothing.
      if (!there.empty() && there.back().created <= now && now - there.back().created < kept.every)
        continue;
      made.push_back(keep_backup(entry.id, make_call(call.where)));
    } catch (const Error& error) {
      tell(options_.log_sink, LogEvent::Severity::Warning, "BACKUP_NOT_KEPT",
           "no backup was kept of the profile '" + entry.name + "': " + error.what());
    }
  }
  return made;
}

std::vector<KeptBackup> WorkspaceCore::kept_backups(const std::string& id, const Call& call) {
  return shelf_of(id, call).list(call);
}

ProfileInfo WorkspaceCore::restore(const std::filesystem::path& backup,
                                   const RestoreProfile& options, const Call& call) {
  const ArchiveManifest manifest = read_manifest(backup, options_.backup_limits, call);
  const bool replaces = !options.profile.empty();
  if (replaces && id_of(options.profile, call) != manifest.id) {
    raise_vault(code("BACKUP_PROFILE_DIFFERS"),
                "the backup is of the profile '" + manifest.name + "' (" + manifest.id +
                    "), not of '" + options.profile + "'",
                call);
  }
  const std::string name = options.name.empty() ? manifest.name : options.name;
  require_profile_name(name, call);
  if (!replaces) {
    require_free(name, manifest.id,
                 "Name that profile in RestoreProfile::profile to put the backup in its place.",
                 call);
  }

  ProfileRecord record = new_record(name, manifest.id, manifest.form);
  record.created_us = manifest.profile_created_us;
  NewProfile staged(layout_, record, call);
  const Contents extracted{staged.folder(), staged.record(), nullptr};
  extract_archive(backup, manifest, extracted, call);
  require_sound(extracted, backup, call);
  gate::sync_point("WorkspaceCore:extracted");
  if (manifest.form == manifest.kind) {
    if (!replaces) return adopt(staged, call);
    return replace(staged, options, call);
  }
  // A plain profile whose backup was given a password.
  const ProfileKeys keys = unlock_keys(read_key_slots(staged.folder(), staged.record(), call),
                                       options.password, false, call);
  record.kind = manifest.kind;
  NewProfile plain(layout_, record, call);
  const Contents from{staged.folder(), staged.record(), &keys};
  const Contents to{plain.folder(), plain.record(), nullptr};
  write_database(from, to, static_cast<std::uint64_t>(options_.sealed_limit_bytes));
  write_attachments(from, to, call);
  if (!replaces) return adopt(plain, call);
  return replace(plain, options, call);
}

ProfileInfo WorkspaceCore::replace(const NewProfile& staged, const RestoreProfile& options,
                                   const Call& call) {
  const std::string id = staged.record().id;
  const auto place = slot(id);
  // What it took to check the backup is not held against it.
  const Call now = make_call(call.where);
  const CallTurn::Hold turn(place->turn, now);
  const ProfileAccess access = take_alone(*place, id, now);
  // Whoever can exchange the backup could have what is written from then on in the clear.
  if (access.record().is_protected() && !staged.record().is_protected() &&
      !options.remove_password) {
    sqlite::raise_misuse(code("PROFILE_ALREADY_PROTECTED"),
                         "the profile '" + access.record().name +
                             "' has a password, and would have none after the restore",
                         call, "If that is meant, say so with RestoreProfile::remove_password.");
  }
  Transition transition(access.folder(), call);
  transition.next().kind = staged.record().kind;
  transition.next().keys.clear();
  const auto move = [&](const std::string& part, const std::filesystem::path& to) {
    move_entry(staged.folder().part(part), to, call);
    gate::sync_point("WorkspaceCore:moved");
  };
  move(staged.record().database, transition.stage_database());
  if (staged.record().is_protected()) move(staged.record().keys, transition.stage_keys());
  move(staged.record().attachments, transition.stage_attachments());
  transition.commit();
  place->tries->forget();
  return describe(access.folder(), transition.next(), call);
}

}  // namespace turnstile::vault
