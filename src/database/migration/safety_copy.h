// The copy of a file before its schema steps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "sqlite/connection.h"

namespace turnstile::database {

/// To be used inside a write transaction that has not written yet: while SQLite's write lock is
/// held, nobody can change the file between the copy and the first step.
///
/// Threads: confined.
class SafetyCopy {
 public:
  /// The copy will be `FILE.before-LABEL`.
  SafetyCopy(sqlite::Connection& connection, const std::filesystem::path& file,
             std::string_view label);

  /// True when some table of the program's has a row.
  [[nodiscard]] bool is_worthwhile();
  /// What a migration that was killed has left unfinished.
  void remove_leftovers() noexcept;
  /// Makes the copy, compares it with the file, and only then gives it its name, in place of an
  /// older one. Returns its path. Throws StorageError: MIGRATION_BACKUP when it is not sound,
  /// DB_DISK_FULL, DB_PERMISSION and the like; there is no copy then.
  [[nodiscard]] std::filesystem::path make();

 private:
  using RowCounts = std::map<std::string, std::int64_t>;

  void write();
  void verify();
  void publish();
  [[nodiscard]] static RowCounts count_rows(sqlite::Connection& connection);
  [[noreturn]] void raise_unsound(const std::string& why) const;
  [[noreturn]] void raise_system(std::string_view what, const std::filesystem::path& path) const;

  sqlite::Connection& connection_;
  const std::filesystem::path file_;
  const std::filesystem::path copy_;
  const std::filesystem::path unfinished_;
};

}  // namespace turnstile::database
