// A change of a profile that happens as a whole or not at all: whatever it consists of, it is
// staged in new files beside the old ones, and the replacement of the profile's record, one rename,
// is what makes it so (docs/decisions/0026-vaults.md).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "vault/layout.h"
#include "vault/profile_record.h"

namespace turnstile::vault {

/// What recover_profile() has found. Threads: immutable.
struct RecoveredProfile {
  ProfileRecord record;
  std::size_t left_over = 0;  ///< Things that were nobody's, beside those in the folder's tmp.
};

/// Puts everything in the folder that its record does not name aside, in one step each, and removes
/// it, but for files in the making whose makers live; empties the folder's tmp. For whoever has the
/// profile alone. Throws StorageError, VaultError (PROFILE_NOT_FOUND, PROFILE_DAMAGED).
RecoveredProfile recover_profile(const ProfileFolder& folder, const Call& call);

/// For whoever has the profile alone, with no part of it open by the time of commit().
///
/// Threads: confined.
class Transition {
 public:
  /// Recovers first. `folder` and `call` must outlive it.
  Transition(const ProfileFolder& folder, const Call& call);
  /// Removes what was staged, unless it was committed.
  ~Transition();
  Transition(const Transition&) = delete;
  Transition& operator=(const Transition&) = delete;

  [[nodiscard]] const ProfileFolder& folder() const noexcept { return folder_; }
  [[nodiscard]] const ProfileRecord& now() const noexcept { return now_; }
  /// What the profile will be. Parts that are not staged anew stay as they are.
  [[nodiscard]] ProfileRecord& next() noexcept { return next_; }

  // The place of a new part, where there is nothing yet; of attachments an empty folder.
  std::filesystem::path stage_database();
  std::filesystem::path stage_keys();
  std::filesystem::path stage_attachments();

  /// Makes it so, and removes the parts that are nobody's any more. Throws StorageError, before
  /// which nothing has changed; but when the removal fails it only says so: see left_over().
  void commit();
  /// Why old parts are still there; empty: they are not. The next recovery tries again.
  [[nodiscard]] const std::string& left_over() const noexcept { return left_over_; }

 private:
  [[nodiscard]] std::string name_of(std::string_view word) const;

  const ProfileFolder& folder_;
  const Call& call_;
  const ProfileRecord now_;
  ProfileRecord next_;
  bool committed_ = false;
  std::string left_over_;
};

}  // namespace turnstile::vault
