// Phase 1 of the start-up: where the database is, and whether it can be there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// A database's place, checked. Threads: immutable.
struct Location {
  std::filesystem::path path;  ///< Absolute, without symbolic links; empty in memory.
  std::string sqlite_name;     ///< What SQLite is asked to open.
  bool in_memory = false;
  std::uint64_t device = 0;  ///< With `inode` the file's identity, under whatever name.
  std::uint64_t inode = 0;
  std::uint64_t links = 0;  ///< Names of the file.
  /// Empty when the file system can carry a write-ahead log, else why not. Known kinds only: the
  /// switch itself is the last word.
  std::string why_no_wal;

  /// Equal for two locations of the same database.
  [[nodiscard]] std::string identity() const;
};

/// Resolves and checks `path`, and makes the file (empty) when the options say so: from then on it
/// has an identity by which a second open finds it. Throws StorageError, MisuseError.
[[nodiscard]] Location locate(std::string_view path, const Options& options, const Call& call);

/// What SQLite is asked to open for a file that nobody changes: it takes no locks, and neither
/// looks at a log nor makes one (https://sqlite.org/c3ref/open.html, immutable).
[[nodiscard]] std::string immutable_uri(const std::filesystem::path& path);

}  // namespace turnstile::database
