// A file in the making: hidden, beside the name that it will get, and gone if it never gets it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "sqlite/error_code.h"

namespace turnstile::database {

/// Its maker has it under flock(), which ends with the process: so whoever comes next can tell what
/// a dead process has left from what a living one is making, whatever the process ids are.
///
/// Threads: confined.
class TempFile {
 public:
  /// Makes an empty file that only this user can read, in the folder of `destination`, and first
  /// removes what dead processes have left there. Throws StorageError.
  TempFile(std::filesystem::path destination, const Call& call);
  /// Removes the file unless it was published.
  ~TempFile();
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Until it is published.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::int64_t size() const;

  /// Gives it the permissions of `model`, and its owner where this user may. Throws StorageError.
  void imitate(const std::filesystem::path& model);
  /// Has its content on the medium. Throws StorageError.
  void sync();
  /// Renames it to the destination in one step. Without `overwrite` a file that is there stays, and
  /// the call throws StorageError (`if_there`).
  void publish(bool overwrite, std::string_view if_there = code("BACKUP_EXISTS"));

 private:
  const std::filesystem::path destination_;
  const Call& call_;
  std::filesystem::path path_;
  int descriptor_ = -1;  // -1 once it is published.
};

/// Removes the files in the making in `directory` whose makers are dead.
void remove_abandoned(const std::filesystem::path& directory) noexcept;
/// Whether a file's name is that of one in the making.
[[nodiscard]] bool is_temp_name(std::string_view name) noexcept;

/// Has what was renamed and removed in `directory` on the medium. Throws StorageError.
void sync_directory(const std::filesystem::path& directory, const Call& call);

}  // namespace turnstile::database
