#include "vault/contents.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "gate/sync_point.h"
#include "turnstile/database.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/storage/encrypted_database.h"
#include "vault/storage/encrypted_file.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

namespace {

void write_attachment(const Contents& from, const Contents& to, const std::string& id,
                      const Call& call) {
  const fs::path source = from.folder.part(from.record.attachments) / id;
  const fs::path target = to.folder.part(to.record.attachments) / id;
  if (from.keys == nullptr && to.keys == nullptr) {
    copy_file(source, target, call);
  } else if (from.keys == nullptr) {
    encrypt_file(source, target, to.keys->data_key, attachment_seal(to.record, *to.keys, id));
  } else if (to.keys == nullptr) {
    decrypt_file(source, target, from.keys->data_key, attachment_seal(from.record, *from.keys, id));
  } else {
    reseal_file(source, from.keys->data_key, attachment_seal(from.record, *from.keys, id), target,
                to.keys->data_key, attachment_seal(to.record, *to.keys, id));
  }
}

}  // namespace

StoredDatabase stored_database(const Contents& contents) {
  StoredDatabase result;
  result.path = contents.folder.part(contents.record.database);
  if (contents.keys == nullptr) return result;
  const bool sealed = contents.record.kind == ProfileKind::Sealed;
  result.form = sealed ? StoredDatabase::Form::Sealed : StoredDatabase::Form::Encrypted;
  result.data_key = &contents.keys->data_key;
  result.seal = {Purpose::Database, contents.record.id, contents.keys->key_id, 0};
  return result;
}

Seal attachment_seal(const ProfileRecord& record, const ProfileKeys& keys,
                     std::string_view attachment) {
  return {Purpose::Attachment, record.id + '/' + std::string(attachment), keys.key_id, 0};
}

void write_database(const Contents& from, const Contents& to, std::uint64_t limit_bytes) {
  StoredDatabase target = stored_database(to);
  if (to.record.kind == ProfileKind::Sealed) {
    // The new file counts on, so that the old one is an older one.
    target.seal.generation =
        from.record.kind == ProfileKind::Sealed
            ? read_sealed_header(from.folder.part(from.record.database)).generation + 1
            : 1;
  }
  convert_database(stored_database(from), target, limit_bytes);
  if (to.record.kind == ProfileKind::Sealed) note_image(to, target.seal.generation);
  gate::sync_point("Contents:database");
}

void write_attachments(const Contents& from, const Contents& to, const Call& call) {
  for (const std::string& id : names_of(from.folder.part(from.record.attachments), call)) {
    if (!is_profile_id(id)) continue;  // What a dead process has left in the making.
    try {
      write_attachment(from, to, id, call);
    } catch (const VaultError& error) {
      if (error.code() != code("VAULT_CORRUPTED")) throw;
      raise_from(code("ATTACHMENT_CORRUPTED"), "the attachment '" + id + "' cannot be read", error);
    }
    gate::sync_point("Contents:attachment");
  }
}

void settle_log(const Contents& contents, const Call& call) {
  if (contents.record.kind == ProfileKind::Sealed) return;
  const fs::path path = contents.folder.part(contents.record.database);
  if (!log_beside(path)) return;
  Options options;
  options.mode = OpenMode::ReadWrite;
  options.connections = 1;
  if (contents.record.kind == ProfileKind::Plain) {
    Database::open(path.string(), options, call.where).close();
  } else if (contents.keys != nullptr) {
    open_encrypted_database(path, contents.keys->data_key, options, call.where).close();
  } else {
    Error::Details details;
    details.code = code("DB_LOG_LEFT");
    details.message = "the program that had the profile '" + contents.record.name +
                      "' last did not end in order, and its log needs the password";
    details.hint = "Unlock the profile once; that takes the log in.";
    details.where = call.where;
    throw StorageError(std::move(details));
  }
}

void note_image(const Contents& profile, std::uint64_t generation) {
  StoredDatabase stored = stored_database(profile);
  stored.seal.generation = generation;
  note_state(stored.path, *stored.data_key, stored.seal);
}

std::uint64_t noted_image(const Contents& profile) {
  const StoredDatabase stored = stored_database(profile);
  return noted_state(stored.path, *stored.data_key, stored.seal);
}

}  // namespace turnstile::vault
