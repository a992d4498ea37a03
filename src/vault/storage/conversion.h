// From one form of a database to another: plain, sealed, encrypted by pages. Nothing plain gets to
// the medium but where a plain file is asked for. The source is a file that nobody has open,
// without a log beside it; it is not changed. The target is a new file, written in one step as
// write_sealed() does; a file that is there is refused (StorageError, BACKUP_EXISTS).
#pragma once

#include <cstdint>
#include <filesystem>

#include "vault/crypto/secret_bytes.h"
#include "vault/storage/sealed_file.h"

namespace turnstile::vault {

/// How a database lies in its file. Threads: immutable.
struct StoredDatabase {
  enum class Form { Plain, Sealed, Encrypted };
  std::filesystem::path path;
  Form form = Form::Plain;
  const SecretBytes* data_key = nullptr;  ///< Null for Plain. Not owned.
  Seal seal;                              ///< For Sealed; its purpose is not looked at.
};

/// Writes the database of `source` as `target` says. From Plain to Plain, and from
/// Encrypted to Encrypted or Plain, it goes page by page. Else the content goes through memory, as
/// much as the database is large: beyond `limit_bytes` it throws VaultError (VAULT_TOO_LARGE).
/// Throws VaultError (VAULT_CORRUPTED), StorageError (DB_LOG_LEFT when a log lies beside an
/// Encrypted source).
void convert_database(const StoredDatabase& source, const StoredDatabase& target,
                      std::uint64_t limit_bytes);

/// Tells plain from the rest by the first bytes: true for SQLite's own header. To be called only
/// for a file that this process does not have open. Throws StorageError.
[[nodiscard]] bool is_plain_database(const std::filesystem::path& path);

}  // namespace turnstile::vault
