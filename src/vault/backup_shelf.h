// The backups that a workspace keeps of one profile: files in a folder, and an index of them. What
// the index names is theirs to remove; everything else in the folder is somebody's own.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sqlite/call.h"
#include "turnstile/vault.h"

namespace turnstile::vault {

/// Threads: shared; processes too.
class BackupShelf {
 public:
  /// `root`: of the backups of all profiles.
  BackupShelf(const std::filesystem::path& root, std::string id)
      : folder_(root / id), id_(std::move(id)) {}

  /// The oldest first. Throws StorageError (PROFILE_STORAGE_READ).
  [[nodiscard]] std::vector<KeptBackup> list(const Call& call) const;
  /// The place of a backup that is to be made, in a folder that is there. Throws StorageError
  /// (PROFILE_STORAGE_WRITE).
  [[nodiscard]] KeptBackup next(std::chrono::system_clock::time_point now, const Call& call) const;
  /// Takes one up that was made, and removes the oldest that are more than `limit`. Throws
  /// StorageError, Timeout (WORKSPACE_IN_USE).
  void add(const KeptBackup& made, int limit, const Call& call) const;

 private:
  [[nodiscard]] std::vector<KeptBackup> indexed(const Call& call) const;
  [[nodiscard]] bool is_there(std::string_view name) const;

  const std::filesystem::path folder_;
  const std::string id_;
};

}  // namespace turnstile::vault
