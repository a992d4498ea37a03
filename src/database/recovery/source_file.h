// A file of the damaged database, opened for reading only and beside SQLite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "database/recovery/bytes.h"
#include "sqlite/call.h"

namespace turnstile::database::recovery {

/// RAII over a descriptor. Threads: confined.
class SourceFile {
 public:
  /// A file that must be there. Throws StorageError.
  SourceFile(std::filesystem::path path, const Call& call);
  /// One that need not be there, such as a log: then it is empty.
  [[nodiscard]] static SourceFile open_if_there(std::filesystem::path path, const Call& call);
  ~SourceFile();
  SourceFile(SourceFile&& other) noexcept;
  SourceFile& operator=(SourceFile&&) = delete;
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Fills `buffer`. Throws Damage when the medium cannot read it or the file ends before.
  void read(std::uint64_t offset, std::span<std::byte> buffer) const;

 private:
  SourceFile(std::filesystem::path path, bool must_exist, const Call& call);

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace turnstile::database::recovery
