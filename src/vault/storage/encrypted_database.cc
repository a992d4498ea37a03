#include "vault/storage/encrypted_database.h"

#include <sqlite3.h>

#include <system_error>
#include <utility>

#include "database/protected_open.h"
#include "sqlite/raise.h"
#include "vault/raise.h"
#include "vault/storage/page_protection.h"

namespace turnstile::vault {

namespace {

// SQLite takes a file without a byte for a database that is to be made; who expects one was robbed
// of it.
void require_content(const std::filesystem::path& path, const Options& options) {
  std::error_code error;
  if (options.mode == OpenMode::ReadWriteCreate || !std::filesystem::exists(path, error)) return;
  if (std::filesystem::file_size(path, error) != 0 || error) return;
  raise_vault(code("VAULT_CORRUPTED"), quoted(path) + " is empty", Call{});
}

}  // namespace

Database open_encrypted_database(const std::filesystem::path& path, const SecretBytes& data_key,
                                 Options options, std::source_location where) {
  if (options.mode == OpenMode::Memory) {
    Call call;
    call.where = where;
    sqlite::raise_misuse(code("OPTION_INVALID"), "an encrypted file cannot be opened in memory",
                         call);
  }
  require_content(path, options);
  try {
    return detail::ProtectedOpen::open(path.string(), std::move(options),
                                       std::make_shared<PageProtection>(data_key), where);
  } catch (const StorageError& error) {
    const int primary = error.sqlite_code() & 0xFF;
    if (primary != SQLITE_NOTADB && primary != SQLITE_CORRUPT) throw;
    raise_from(code("VAULT_CORRUPTED"), quoted(path) + " does not open with the profile's key",
               error);
  }
}

}  // namespace turnstile::vault
