// A profile in the making: a whole folder beside the place that it will have.
#pragma once

#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "vault/file_lock.h"
#include "vault/layout.h"
#include "vault/profile_record.h"

namespace turnstile::vault {

/// Threads: confined.
class NewProfile {
 public:
  /// Makes the folders of the profile, and gives the parts of `record` their names.
  NewProfile(const Layout& layout, ProfileRecord record, const Call& call);
  /// Removes it all, unless it was published.
  ~NewProfile();
  NewProfile(const NewProfile&) = delete;
  NewProfile& operator=(const NewProfile&) = delete;

  [[nodiscard]] const ProfileFolder& folder() const noexcept { return folder_; }
  [[nodiscard]] ProfileRecord& record() noexcept { return record_; }
  [[nodiscard]] const ProfileRecord& record() const noexcept { return record_; }

  /// Writes the record, has everything on the medium, and renames the folder into place, where
  /// there must be none. When it throws, there is no profile. For whoever has the change lock.
  void publish(const Call& call);
  /// Takes it back. For a publisher that could not write the registry.
  void withdraw(const Call& call);

 private:
  const Layout& layout_;
  FileLock using_tmp_;
  std::filesystem::path staging_;
  ProfileFolder folder_;
  ProfileRecord record_;
  bool published_ = false;
};

/// Moves a profile out of its place in one step, and removes it. For whoever has it alone, and the
/// change lock.
void remove_profile(const Layout& layout, const ProfileFolder& folder, const Call& call);

/// Empties the workspace's tmp, unless somebody uses it.
void clean_tmp(const Layout& layout, const Call& call);

}  // namespace turnstile::vault
