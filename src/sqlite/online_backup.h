// SQLite's online backup (https://sqlite.org/c3ref/backup_finish.html) from a connection that has a
// transaction open: all pages are of its snapshot, so that the copy never starts over.
#pragma once

#include "sqlite/connection.h"

struct sqlite3_backup;

namespace turnstile::sqlite {

/// Threads: confined.
class OnlineBackup {
 public:
  /// `destination` gets the content of `source`. Both must outlive this object. Throws Error,
  /// StorageError.
  OnlineBackup(Connection& source, Connection& destination);
  ~OnlineBackup();
  OnlineBackup(const OnlineBackup&) = delete;
  OnlineBackup& operator=(const OnlineBackup&) = delete;

  /// Copies up to `pages` more; false when all have been copied, and only then the copy is one.
  /// Throws StorageError, Timeout, and Cancelled when `source` was interrupted.
  [[nodiscard]] bool step(int pages);

  [[nodiscard]] int total_pages() const noexcept;
  [[nodiscard]] int remaining_pages() const noexcept;

 private:
  const Connection& source_;
  const Connection& destination_;
  sqlite3_backup* backup_ = nullptr;
};

}  // namespace turnstile::sqlite
