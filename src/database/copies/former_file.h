// The database that is about to be replaced: kept from everybody else and brought to rest.
#pragma once

#include <filesystem>
#include <memory>

#include "sqlite/call.h"
#include "sqlite/connection.h"
#include "turnstile/error.h"

namespace turnstile::database {

/// Has the file to itself while it exists. Before anything is moved, a healthy database is brought
/// into a state in which its file alone is all of it: its log is copied into it, and the journal
/// mode changed. So no log of it can be left that would be taken for the new file's.
///
/// Threads: confined; must be made by whoever has the file's gate.
class FormerFile {
 public:
  /// Tries once, within the call's deadline. Throws Timeout (DB_IN_USE) with the holder when
  /// another program uses the file, StorageError.
  FormerFile(std::filesystem::path path, const Call& call);
  ~FormerFile();
  FormerFile(const FormerFile&) = delete;
  FormerFile& operator=(const FormerFile&) = delete;

  /// False for one that SQLite could not bring to rest: what lies beside it belongs to it still.
  [[nodiscard]] bool is_alone() const noexcept { return connection_ != nullptr; }

 private:
  void bring_to_rest();
  void lock_damaged();

  const std::filesystem::path path_;
  const Call call_;
  std::unique_ptr<sqlite::Connection> connection_;  // Null for a damaged file.
  int descriptor_ = -1;                             // Of a damaged file.
};

/// Throws Timeout (DB_IN_USE).
[[noreturn]] void raise_in_use(const std::filesystem::path& path, Holder holder, const Call& call);

}  // namespace turnstile::database
