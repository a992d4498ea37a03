// A database file whose pages are encrypted one by one (ChaCha20-Poly1305, by the engine), for
// what is too large for memory: write-ahead log, gate, readers beside the writer and several
// processes work as with a plain file. The key goes to each connection raw, so that none of them
// spends time to derive one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <source_location>
#include <string_view>

#include "turnstile/database.h"
#include "vault/crypto/secret_bytes.h"

namespace turnstile::vault {

/// Opens the encrypted file, or makes it as Options::mode says; `data_key` has kDataKeySize bytes,
/// of which a key for database pages is derived. A plain file, and one of another key or with a
/// damaged first page, throw VaultError (VAULT_CORRUPTED). Two opens of the file in one process
/// share a database as Database::open says; they must have the same key.
///
/// Copies that the library makes of it by itself (Database::backup, the copy before schema steps)
/// are encrypted with the same key.
[[nodiscard]] Database open_encrypted_database(
    const std::filesystem::path& path, const SecretBytes& data_key, Options options,
    std::source_location where = std::source_location::current());

// The rest is for files that nobody has open, in no process, without a log beside them: a Database
// that was closed leaves them so. Each writes a new file in one step, as write_sealed() does.

/// Checks every page, used or free, and that the file has no bytes too few or too many. Throws
/// VaultError (VAULT_CORRUPTED with the page's number).
void verify_encrypted_file(const std::filesystem::path& path, const SecretBytes& data_key);
/// Encrypts the same pages with another key.
void rekey_encrypted_file(const std::filesystem::path& source, const SecretBytes& data_key,
                          const std::filesystem::path& target, const SecretBytes& new_key,
                          bool overwrite = false);

}  // namespace turnstile::vault
