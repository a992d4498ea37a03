#include "vault/open_database.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "database/protected_open.h"
#include "sqlite/error_code.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/storage/encrypted_database.h"

namespace turnstile::vault {

namespace {

Migrations vault_steps() {
  return {{.version = 1,
           .name = "attachments and settings",
           .sql = "CREATE TABLE vault_attachment("
                  "  id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL,"
                  "  type TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,"
                  "  created_us INTEGER NOT NULL, removed_us INTEGER) WITHOUT ROWID;"
                  "CREATE INDEX vault_attachment_owner ON vault_attachment(owner);"
                  "CREATE TABLE vault_setting(name TEXT PRIMARY KEY, value TEXT NOT NULL)"
                  " WITHOUT ROWID;"}};
}

/// What a profile's caller is told of a failure to open a file; empty: what it says itself.
std::string_view profile_code_of(std::string_view below) noexcept {
  if (below == "DB_NOT_A_DATABASE" || below == "DB_CORRUPT" || below == "DB_IO")
    return code("DB_QUERY_FAILED");
  if (below == "DB_OPEN_FAILED" || below == "DB_NOT_FOUND" || below == "DB_IS_DIRECTORY" ||
      below == "DB_NO_DIRECTORY" || below == "DB_PERMISSION") {
    return code("DB_OPEN_FAILED");
  }
  return {};
}

Options options_for(const WorkspaceOptions& options, bool create) {
  Options result = options.database;
  result.mode = create ? OpenMode::ReadWriteCreate : OpenMode::ReadWrite;
  return result;
}

// SQLite takes a file without a byte for a database that is to be made.
void require_profile_content(const std::filesystem::path& path, const ProfileRecord& record,
                             const Call& call) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return;
  if (std::filesystem::file_size(path, error) != 0 || error) return;
  raise_vault(code("DB_QUERY_FAILED"),
              "the database of the profile '" + record.name + "' is empty: " + quoted(path), call);
}

}  // namespace

OpenDatabase OpenDatabase::open(const ProfileFolder& folder, const ProfileRecord& record,
                                const ProfileKeys* keys, const WorkspaceOptions& options,
                                const Call& call) {
  return open_form(folder, record, keys, options, false, call);
}

OpenDatabase OpenDatabase::create(const ProfileFolder& folder, const ProfileRecord& record,
                                  const ProfileKeys* keys, const WorkspaceOptions& options,
                                  const Call& call) {
  // Made here, so that the file is private from the start.
  if (record.kind != ProfileKind::Sealed) make_private_file(folder.part(record.database), call);
  return open_form(folder, record, keys, options, true, call);
}

OpenDatabase OpenDatabase::open_form(const ProfileFolder& folder, const ProfileRecord& record,
                                     const ProfileKeys* keys, const WorkspaceOptions& options,
                                     bool create, const Call& call) {
  const std::filesystem::path path = folder.part(record.database);
  if (!create && record.kind == ProfileKind::Plain) require_profile_content(path, record, call);
  try {
    OpenDatabase opened = [&] {
      if (record.kind == ProfileKind::Plain)
        return OpenDatabase(
            Database::open(path.string(), options_for(options, create), call.where));
      if (record.kind == ProfileKind::Encrypted) {
        return OpenDatabase(open_encrypted_database(path, keys->data_key,
                                                    options_for(options, create), call.where));
      }
      const SealedOptions sealed{options_for(options, create), options.save_within,
                                 static_cast<std::uint64_t>(options.sealed_limit_bytes), true};
      const Seal seal{Purpose::Database, record.id, keys->key_id, 0};
      return OpenDatabase(create ? SealedDatabase::create(path, keys->data_key, seal, sealed)
                                 : SealedDatabase::open(path, keys->data_key, seal, sealed));
    }();
    opened.prepare(record, options, call);
    return opened;
  } catch (const StorageError& error) {
    const std::string_view told = profile_code_of(error.code());
    if (told.empty()) throw;
    raise_from(told, "the database of the profile '" + record.name + "' cannot be opened", error);
  }
}

void OpenDatabase::prepare(const ProfileRecord& record, const WorkspaceOptions& options,
                           const Call& call) {
  const Lane lane = database().lane(kVaultLane);
  // The program's own steps come first; a database that lacks its tables is not the program's.
  for (const std::string& table : options.required_tables) {
    const auto count = lane.read([&](ReadTx& tx) {
      return tx
          .query<std::int64_t>(
              "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?", table)
          .one();
    });
    if (count == 0) {
      raise_vault(
          code("VAULT_CORRUPTED"),
          "the database of the profile '" + record.name + "' lacks the table '" + table + "'",
          call);
    }
  }
  static_cast<void>(lane.migrate(kVaultLane, vault_steps(), {.backup = false}, call.where));
}

Database& OpenDatabase::database() {
  return sealed_ ? sealed_->database() : *file_;
}

const Database& OpenDatabase::database() const {
  return sealed_ ? sealed_->database() : *file_;
}

void OpenDatabase::save(const Call& call) {
  if (!sealed_) return;
  try {
    sealed_->save(call.where);
  } catch (const StorageError& error) {
    raise_from(code("VAULT_NOT_SAVED"), "the profile could not be saved", error);
  }
}

SavedState OpenDatabase::saved_state() const {
  if (!sealed_) return {};
  const SaveState state = sealed_->state();
  return {state.unsaved, state.saves, state.failure, state.generation};
}

std::uint64_t OpenDatabase::image_generation() const {
  return sealed_ ? sealed_->state().generation : 0;
}

// The file of a sealed one is not open, but may be written when the closure has ended.
void OpenDatabase::close(std::chrono::milliseconds drain, bool discard_unsaved, const Call& call,
                         std::shared_ptr<const void> kept) {
  if (!sealed_)
    detail::ProtectedOpen::close(*file_, drain, std::move(kept), call.where);
  else if (discard_unsaved)
    static_cast<void>(sealed_->discard(drain));
  else
    static_cast<void>(sealed_->close(drain, call.where, std::move(kept)));
}

}  // namespace turnstile::vault
