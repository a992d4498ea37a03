// A lock between processes, and between open files of one process, that ends with its owner.
#pragma once

#include <filesystem>
#include <string>

#include "gate/uninherited_file.h"
#include "sqlite/call.h"
#include "turnstile/error.h"

namespace turnstile::vault {

/// A file with bytes that can be locked, each for itself. Changing a lock from shared to exclusive
/// and back is one step: nobody gets in between.
///
/// Threads: shared; but a lock belongs to the object, not to a thread.
class FileLock {
 public:
  enum class Mode { None, Shared, Exclusive };
  /// Which lock of the file.
  enum class Byte : int {
    Use = 0,        ///< The profile, or the workspace.
    Change = 1,     ///< The registry is being changed.
    Temporary = 2,  ///< Shared by who has something in tmp, exclusive by who cleans it.
  };

  /// Opens the file, or makes it with mode 0600. Throws StorageError (PROFILE_STORAGE_WRITE).
  explicit FileLock(std::filesystem::path path, const Call& call);

  /// False when others do not let it; the lock is as it was then. Who takes one exclusively writes
  /// down who that is. Throws StorageError when the file system has no such locks.
  [[nodiscard]] bool try_change(Mode mode, Byte byte = Byte::Use);
  /// The same until the call's deadline.
  [[nodiscard]] bool change(Mode mode, Byte byte, const Call& call);

  /// Whether the path still leads to this file: a folder may have been moved away before it was
  /// locked.
  [[nodiscard]] bool is_in_place() const noexcept;
  /// Who has byte Use exclusively, as he has written it down; to be asked when it is not to be had.
  [[nodiscard]] Holder owner() const;
  /// The same where others share it, another process before this one: looked for in /proc, which
  /// takes milliseconds. Unknown where the system does not show their files.
  [[nodiscard]] Holder sharer() const;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  void sign() const noexcept;

  const std::filesystem::path path_;
  gate::UninheritedFile file_;
};

}  // namespace turnstile::vault
