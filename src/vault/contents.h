// The parts of a profile, written anew in another form, for another key, or for another profile.
// All transitions that change more than the key slots are made of this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "vault/profile_keys.h"
#include "vault/profile_record.h"
#include "vault/storage/conversion.h"
#include "vault/storage/sealed_file.h"

namespace turnstile::vault {

/// Parts in a folder. Refers to what it is made of. Threads: immutable.
struct Contents {
  const ProfileFolder& folder;
  const ProfileRecord& record;
  const ProfileKeys* keys;  ///< Null for a plain profile.
};

/// How the database of a profile lies in its file; refers to the keys.
[[nodiscard]] StoredDatabase stored_database(const Contents& contents);
/// How an attachment of a profile is sealed.
[[nodiscard]] Seal attachment_seal(const ProfileRecord& record, const ProfileKeys& keys,
                                   std::string_view attachment);

/// Writes the database of `from`, which nobody has open, as that of `to`, where there is none yet.
/// Throws VaultError (VAULT_TOO_LARGE, VAULT_CORRUPTED), StorageError.
void write_database(const Contents& from, const Contents& to, std::uint64_t limit_bytes);
/// The same for all attachments; the folder of `to` is there and empty. Throws VaultError
/// (ATTACHMENT_CORRUPTED), StorageError.
void write_attachments(const Contents& from, const Contents& to, const Call& call);

/// Has what a dead process left in the log of a database in its file. Throws StorageError
/// (DB_LOG_LEFT) where that needs a key and there is none.
void settle_log(const Contents& contents, const Call& call);

/// Notes the state of a sealed database, so that an older one that is put in its place is noticed.
void note_image(const Contents& profile, std::uint64_t generation);
/// What was noted; 0 when nothing, or nothing that this key has noted.
[[nodiscard]] std::uint64_t noted_image(const Contents& profile);

}  // namespace turnstile::vault
