// A file of bytes, sealed with a data key: a header, then the content in chunks of 64 KiB, each
// encrypted and authenticated together with its place in the file (libsodium's secretstream). Cut
// off, put together anew, extended, or changed in a single bit, it is refused as VAULT_CORRUPTED.
// docs/reference/vault-format.md describes the bytes.
//
// What it is for and whom it belongs to go into the key of the file, so that no sealed file can be
// put in another one's place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vault/crypto/key_slots.h"
#include "vault/crypto/secret_bytes.h"

namespace turnstile::vault {

enum class Purpose : std::uint32_t { Database = 1, Attachment = 2, Backup = 3, State = 4 };

/// What a sealed file is about. Threads: immutable.
struct Seal {
  Purpose purpose = Purpose::Database;
  /// Whom it belongs to, such as a profile's id, or `PROFILE/ATTACHMENT`; at most 1024 bytes. Not
  /// stored: whoever opens the file says it again.
  std::string context;
  /// Of which data key; KeySlots::key_id().
  KeyId key_id{};
  /// Counts the states of the same file; 0 where it does not matter. Whoever notes the last one
  /// that it wrote or read sees by it that an older file was put back.
  std::uint64_t generation = 0;
};

/// What the first bytes of a sealed file say. Threads: immutable.
struct SealedHeader {
  Purpose purpose = Purpose::Database;
  KeyId key_id{};
  std::uint64_t generation = 0;
  std::uint64_t content_bytes = 0;
  std::uint64_t file_bytes = 0;  ///< Of the whole file, as counted from content_bytes.
};

/// How sealing ended. Threads: immutable.
struct SealedReport {
  std::uint64_t content_bytes = 0;
  std::uint64_t file_bytes = 0;
};

/// Gives the next bytes of the content: fills the front of the span and returns how many bytes; 0
/// at the end.
using ContentSource = std::function<std::size_t(std::span<std::byte>)>;
/// Takes the next bytes of the content. They are authentic, but whether more must follow is not
/// known until open_sealed() returns: nothing is to be believed before that.
using ContentSink = std::function<void(std::span<const std::byte>)>;

/// The header without a key: its form and the file's size are checked, and nothing else is certain
/// before the file is opened. Throws StorageError, VaultError (VAULT_CORRUPTED,
/// VAULT_FORMAT_UNSUPPORTED).
[[nodiscard]] SealedHeader read_sealed_header(const std::filesystem::path& path);

/// Writes a new sealed file: to a hidden temporary file in the same folder (0600), which is brought
/// to the medium and renamed to `path` in one step, and the folder brought to the medium. Whatever
/// interrupts it, `path` is the former file or the new one. `content_bytes` is what `source` will
/// give; ContentSource giving fewer or more throws VaultError (ATTACHMENT_READ). Without
/// `overwrite`, a file that is there stays (StorageError, BACKUP_EXISTS). Throws StorageError.
SealedReport write_sealed(const std::filesystem::path& path, const SecretBytes& data_key,
                          const Seal& seal, std::uint64_t content_bytes,
                          const ContentSource& source, bool overwrite = true);
SealedReport write_sealed(const std::filesystem::path& path, const SecretBytes& data_key,
                          const Seal& seal, std::span<const std::byte> content,
                          bool overwrite = true);

/// Opens a sealed file chunk by chunk; memory stays small. `expected` names purpose, context and
/// key as when it was sealed; its generation is not looked at. Throws VaultError (VAULT_CORRUPTED),
/// StorageError, and what `sink` throws.
SealedHeader open_sealed(const std::filesystem::path& path, const SecretBytes& data_key,
                         const Seal& expected, const ContentSink& sink);
/// The whole content, for small files: VaultError (VAULT_TOO_LARGE) beyond `limit`.
[[nodiscard]] SecretBytes open_sealed(const std::filesystem::path& path,
                                      const SecretBytes& data_key, const Seal& expected,
                                      std::size_t limit);
/// Reads all of it and keeps nothing.
SealedHeader verify_sealed(const std::filesystem::path& path, const SecretBytes& data_key,
                           const Seal& expected);

/// Notes beside a sealed file that the state `saved.generation` is the last one of it, in a file of
/// the same name and `.seen` that is sealed with the same key. Throws StorageError.
void note_state(const std::filesystem::path& path, const SecretBytes& data_key, const Seal& saved);
/// The number that was noted last; 0 when there is no note that can be believed.
[[nodiscard]] std::uint64_t noted_state(const std::filesystem::path& path,
                                        const SecretBytes& data_key, const Seal& expected);

/// Seals the plain file `source` as `target`. The source is not removed. Throws VaultError
/// (ATTACHMENT_READ) when it changes its size meanwhile.
SealedReport encrypt_file(const std::filesystem::path& source, const std::filesystem::path& target,
                          const SecretBytes& data_key, const Seal& seal, bool overwrite = false);
/// Writes the content of the sealed file `source` as the plain file `target`, with mode 0600:
/// whole, or, when anything is wrong with the source, not at all.
SealedHeader decrypt_file(const std::filesystem::path& source, const std::filesystem::path& target,
                          const SecretBytes& data_key, const Seal& expected,
                          bool overwrite = false);
/// Seals the content of `source` with another key or for another context, without a plain byte on
/// the medium: for rekeying and for duplicates.
SealedReport reseal_file(const std::filesystem::path& source, const SecretBytes& key,
                         const Seal& expected, const std::filesystem::path& target,
                         const SecretBytes& new_key, const Seal& seal, bool overwrite = false);

}  // namespace turnstile::vault
