// A backup of a profile: one file with a manifest in front and the profile's parts behind it, as
// they lie in the profile's folder. docs/guide/vaults.md describes the bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sqlite/call.h"
#include "turnstile/vault.h"
#include "vault/contents.h"

namespace turnstile::vault {

/// What an archive says of itself. Threads: immutable.
struct ArchiveManifest {
  struct File {
    std::string name;  ///< `database`, `keys` or `attachments/ID`.
    std::int64_t bytes = 0;
    std::string sha256;
  };
  std::string id;
  std::string name;
  ProfileKind kind = ProfileKind::Plain;  ///< Of the profile.
  ProfileKind form = ProfileKind::Plain;  ///< Of the parts: protected too where a plain profile's
                                          ///< backup has a password.
  std::int64_t profile_created_us = 0;
  std::int64_t created_us = 0;
  std::string library_version;
  std::vector<File> files;

  [[nodiscard]] BackupInfo info() const;
  [[nodiscard]] std::string to_text() const;
  /// Empty when the text is none, or names files that no profile has, one twice, or not those that
  /// its form needs.
  [[nodiscard]] static std::optional<ArchiveManifest> from_text(std::string_view text);
};

/// Writes the parts, which nobody changes meanwhile, to `target`, in one step. `profile` is what
/// the archive is a backup of, `contents` what is put into it. Throws VaultError (BACKUP_LIMIT),
/// StorageError: BACKUP_EXISTS, DB_LOG_LEFT.
BackupInfo write_archive(const std::filesystem::path& target, const ProfileRecord& profile,
                         const Contents& contents, const BackupLimits& limits, bool overwrite,
                         const Call& call);

/// Throws StorageError (BACKUP_INVALID), VaultError (BACKUP_LIMIT, VAULT_FORMAT_UNSUPPORTED).
[[nodiscard]] ArchiveManifest read_manifest(const std::filesystem::path& archive,
                                            const BackupLimits& limits, const Call& call);
/// Writes all files of the archive as the parts of a profile in the making, and compares each with
/// the manifest. Throws StorageError (BACKUP_INVALID).
void extract_archive(const std::filesystem::path& archive, const ArchiveManifest& manifest,
                     const Contents& target, const Call& call);

}  // namespace turnstile::vault
