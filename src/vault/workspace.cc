#include <utility>

#include "turnstile/vault.h"
#include "vault/archive.h"
#include "vault/workspace_core.h"

namespace turnstile {

MaintenanceGuard::MaintenanceGuard(std::shared_ptr<vault::ProfileGuard> guard) noexcept
    : guard_(std::move(guard)) {}
MaintenanceGuard::MaintenanceGuard(MaintenanceGuard&&) noexcept = default;
MaintenanceGuard& MaintenanceGuard::operator=(MaintenanceGuard&&) noexcept = default;
MaintenanceGuard::~MaintenanceGuard() = default;

const std::filesystem::path& MaintenanceGuard::folder() const noexcept {
  return guard_->folder();
}

Workspace::Workspace(std::shared_ptr<vault::WorkspaceCore> core) noexcept
    : core_(std::move(core)) {}
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;
Workspace::~Workspace() = default;

Workspace Workspace::open(const std::filesystem::path& root, WorkspaceOptions options,
                          std::source_location where) {
  Call call;
  call.where = where;
  call.deadline = Deadline::after(options.database.busy_timeout);
  return Workspace(std::make_shared<vault::WorkspaceCore>(root, std::move(options), call));
}

const std::filesystem::path& Workspace::root() const noexcept {
  return core_->layout().root();
}

std::vector<ProfileInfo> Workspace::profiles() const {
  return core_->profiles(core_->make_call(std::source_location::current()));
}

ProfileInfo Workspace::profile(std::string_view name_or_id, std::source_location where) const {
  const Call call = core_->make_call(where);
  return core_->info(core_->id_of(name_or_id, call), call);
}

ProfileInfo Workspace::create(std::string_view name, const CreateProfile& options,
                              std::source_location where) {
  return core_->create(name, options, core_->make_call(where));
}

void Workspace::rename(std::string_view profile, std::string_view new_name,
                       std::source_location where) {
  const Call call = core_->make_call(where);
  core_->rename(core_->id_of(profile, call), new_name, call);
}

ProfileInfo Workspace::duplicate(std::string_view profile, std::string_view new_name,
                                 std::string_view password, std::source_location where) {
  const Call call = core_->make_call(where);
  return core_->duplicate(core_->id_of(profile, call), new_name, password, call);
}

void Workspace::remove(std::string_view profile, std::source_location where) {
  const Call call = core_->make_call(where);
  core_->remove(core_->id_of(profile, call), call);
}

VaultSession Workspace::unlock(std::string_view profile, std::string_view password,
                               const UnlockOptions& options, std::source_location where) {
  const Call call = core_->make_call(where);
  return VaultSession(core_->unlock(core_->id_of(profile, call), password, options, call));
}

void Workspace::eject(std::source_location where) {
  core_->lock_all(core_->make_call(where));
}

MaintenanceGuard Workspace::guard(std::string_view profile, std::source_location where) {
  const Call call = core_->make_call(where);
  return MaintenanceGuard(core_->guard(core_->id_of(profile, call), call));
}

BackupInfo Workspace::backup(std::string_view profile, const std::filesystem::path& destination,
                             const BackupProfile& options, std::source_location where) {
  const Call call = core_->make_call(where);
  return core_->backup(core_->id_of(profile, call), destination, options, call);
}

KeptBackup Workspace::keep_backup(std::string_view profile, std::source_location where) {
  const Call call = core_->make_call(where);
  return core_->keep_backup(core_->id_of(profile, call), call);
}

std::vector<KeptBackup> Workspace::keep_due_backups(std::source_location where) {
  return core_->keep_due_backups(core_->make_call(where));
}

std::vector<KeptBackup> Workspace::kept_backups(std::string_view profile,
                                                std::source_location where) const {
  const Call call = core_->make_call(where);
  return core_->kept_backups(core_->id_of(profile, call), call);
}

ProfileInfo Workspace::restore(const std::filesystem::path& backup, const RestoreProfile& options,
                               std::source_location where) {
  return core_->restore(backup, options, core_->make_call(where));
}

ProfileVerification Workspace::verify(std::string_view profile, std::string_view password,
                                      std::source_location where) {
  const Call call = core_->make_call(where);
  return core_->verify(core_->id_of(profile, call), password, call);
}

BackupInfo inspect_backup(const std::filesystem::path& backup, const BackupLimits& limits,
                          std::source_location where) {
  Call call;
  call.where = where;
  return vault::read_manifest(backup, limits, call).info();
}

}  // namespace turnstile
