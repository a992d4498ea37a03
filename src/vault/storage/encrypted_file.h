// An encrypted database file, page by page, while nobody has it open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "database/copies/temp_file.h"
#include "database/registry.h"
#include "gate/descriptor.h"
#include "sqlite/call.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/storage/page_cipher.h"

namespace turnstile::vault {

/// Throws VaultError (VAULT_CORRUPTED), StorageError (PROFILE_STORAGE_READ; DB_LOG_LEFT when a log
/// lies beside it), MisuseError (DB_IN_USE when this process has it open).
///
/// Threads: confined.
class EncryptedFileReader {
 public:
  EncryptedFileReader(std::filesystem::path path, const SecretBytes& data_key);

  [[nodiscard]] std::uint32_t page_size() const noexcept { return page_size_; }
  [[nodiscard]] std::uint32_t page_count() const noexcept { return page_count_; }
  /// The next page, decrypted, until the next call; empty after the last one. Pages that were never
  /// written are all zero.
  [[nodiscard]] std::span<std::byte> next();

 private:
  [[noreturn]] void raise_damaged(const std::string& why) const;
  void read(std::uint64_t offset, std::span<std::byte> into);

  const std::filesystem::path path_;
  const Call call_;
  // No connection of this process may come while its file is read beside SQLite.
  const database::Reservation reservation_;
  const gate::Descriptor file_;
  const PageCipher cipher_;
  std::uint32_t page_size_ = 0;
  std::uint32_t page_count_ = 0;
  std::uint32_t number_ = 0;  // Of the page that was read last.
  std::vector<std::byte> page_;
};

/// Writes a new one beside its place and puts it there in one step. Throws StorageError
/// (PROFILE_STORAGE_WRITE). Threads: confined.
class EncryptedFileWriter {
 public:
  EncryptedFileWriter(std::filesystem::path path, const SecretBytes& data_key);

  /// The next page, plain but for its last 32 bytes; overwritten.
  void add(std::span<std::byte> page);
  void finish(bool overwrite);

 private:
  const std::filesystem::path path_;
  const Call call_;
  const PageCipher cipher_;
  FileSalt salt_{};
  std::uint32_t number_ = 0;
  std::unique_ptr<database::TempFile> file_;
};

/// Throws StorageError (DB_LOG_LEFT) when a log with content lies beside the file.
void require_no_log_beside(const std::filesystem::path& path);
/// The log or journal with content that lies beside a database file; empty when there is none.
[[nodiscard]] std::optional<std::filesystem::path> log_beside(const std::filesystem::path& path);

}  // namespace turnstile::vault
