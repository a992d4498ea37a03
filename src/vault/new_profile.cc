#include "vault/new_profile.h"

#include <system_error>
#include <utility>

#include "gate/sync_point.h"
#include "vault/files.h"
#include "vault/raise.h"

namespace turnstile::vault {

namespace {

constexpr auto kTemporary = FileLock::Byte::Temporary;

void use_tmp(const Layout& layout, FileLock& lock, const Call& call) {
  if (!lock.change(FileLock::Mode::Shared, kTemporary, call)) {
    raise_busy(code("WORKSPACE_IN_USE"),
               "somebody cleans the temporary files of " + quoted(layout.root()), {}, call);
  }
}

}  // namespace

NewProfile::NewProfile(const Layout& layout, ProfileRecord record, const Call& call)
    : layout_(layout),
      using_tmp_(layout.lock(), call),
      staging_(layout.tmp() / random_name()),
      folder_(staging_ / record.id),
      record_(std::move(record)) {
  use_tmp(layout, using_tmp_, call);
  record_.database = "database.1";
  record_.attachments = "attachments.1";
  if (record_.is_protected()) record_.keys = "keys.1";
  try {
    make_private_folder(staging_, call);
    make_private_folder(folder_.path(), call);
    make_private_folder(folder_.tmp(), call);
    make_private_folder(folder_.part(record_.attachments), call);
    make_private_file(folder_.lock(), call);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(staging_, ignored);
    throw;
  }
  gate::sync_point("NewProfile:made");
}

NewProfile::~NewProfile() {
  if (published_) return;
  std::error_code ignored;
  std::filesystem::remove_all(staging_, ignored);
}

void NewProfile::publish(const Call& call) {
  write_record(folder_, record_, call);
  sync_tree(folder_.path(), call);
  gate::sync_point("NewProfile:filled");
  const std::filesystem::path place = layout_.profile(record_.id).path();
  try {
    move_entry(folder_.path(), place, call);
  } catch (...) {
    // It may have its name, and not for certain after a power failure.
    std::error_code unknown;
    if (!std::filesystem::exists(folder_.path(), unknown)) withdraw(call);
    throw;
  }
  published_ = true;
  gate::sync_point("NewProfile:published");
  std::error_code ignored;
  std::filesystem::remove(staging_, ignored);
}

void NewProfile::withdraw(const Call& call) {
  remove_profile(layout_, layout_.profile(record_.id), call);
}

void remove_profile(const Layout& layout, const ProfileFolder& folder, const Call& call) {
  FileLock using_tmp(layout.lock(), call);
  use_tmp(layout, using_tmp, call);
  const std::filesystem::path aside = layout.tmp() / random_name();
  move_entry(folder.path(), aside, call);
  gate::sync_point("remove_profile:aside");
  remove_tree(aside, call);
}

void clean_tmp(const Layout& layout, const Call& call) {
  FileLock lock(layout.lock(), call);
  if (lock.try_change(FileLock::Mode::Exclusive, kTemporary)) empty_folder(layout.tmp(), call);
}

}  // namespace turnstile::vault
