// The bytes of a sealed file, one chunk after the other, in both directions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "database/copies/temp_file.h"
#include "gate/descriptor.h"
#include "sqlite/call.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/storage/sealed_file.h"

namespace turnstile::vault {

inline constexpr std::size_t kSealedChunk = std::size_t{1} << 16;

/// libsodium's state of one direction, and room for a chunk; wiped at the end. Threads: confined.
struct StreamState;

/// Writes a sealed file beside its place and puts it there in one step. Throws StorageError
/// (PROFILE_STORAGE_WRITE).
///
/// Threads: confined.
class SealedWriter {
 public:
  SealedWriter(std::filesystem::path path, const SecretBytes& data_key, const Seal& seal,
               std::uint64_t content_bytes);
  ~SealedWriter();
  SealedWriter(const SealedWriter&) = delete;
  SealedWriter& operator=(const SealedWriter&) = delete;

  /// In pieces of any size. Throws VaultError (ATTACHMENT_READ) for more than was announced.
  void add(std::span<const std::byte> content);
  /// After all of the content; throws VaultError (ATTACHMENT_READ) when some is missing. Without
  /// `overwrite`, StorageError (BACKUP_EXISTS) for a file that is there.
  SealedReport finish(bool overwrite);

 private:
  void push(bool is_last);
  void write(std::span<const std::byte> bytes);

  const std::filesystem::path path_;
  const Call call_;
  const SealedReport report_;
  std::uint64_t missing_;
  std::uint64_t written_ = 0;  // Bytes in the file.
  std::uint64_t begun_ = 0;    // Of these, the medium was told to take them.
  std::unique_ptr<StreamState> cipher_;
  SecretBytes chunk_;
  std::size_t filled_ = 0;
  std::unique_ptr<database::TempFile> file_;
};

/// Reads one. Throws StorageError (PROFILE_STORAGE_READ), VaultError (VAULT_CORRUPTED,
/// VAULT_FORMAT_UNSUPPORTED).
///
/// Threads: confined.
class SealedReader {
 public:
  /// The header is authentic when this returns.
  SealedReader(std::filesystem::path path, const SecretBytes& data_key, const Seal& expected);
  ~SealedReader();
  SealedReader(const SealedReader&) = delete;
  SealedReader& operator=(const SealedReader&) = delete;

  [[nodiscard]] const SealedHeader& header() const noexcept { return header_; }
  /// The next chunk, authentic, until the next call; empty after the last one, and only then the
  /// content is known to be whole.
  [[nodiscard]] std::span<const std::byte> next();

 private:
  [[noreturn]] void raise_damaged(const std::string& why) const;
  void read(std::span<std::byte> into);

  const std::filesystem::path path_;
  const Call call_;
  gate::Descriptor file_;
  SealedHeader header_;
  std::uint64_t missing_ = 0;
  std::uint64_t chunks_ = 0;
  bool ended_ = false;
  std::unique_ptr<StreamState> cipher_;
  SecretBytes chunk_;
};

}  // namespace turnstile::vault
