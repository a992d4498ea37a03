// Copies of a database: making them while it is used, checking them, and putting one in its place.
#pragma once

#include <chrono>
#include <cstdint>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/progress.h"
#include "turnstile/sql_definitions.h"

namespace turnstile {

/// Settings of Database::backup.
///
/// Threads: immutable.
struct BackupOptions {
  /// Pages that are copied between two looks at `stop`; 1 to 1,000,000.
  int pages_per_step = 1024;
  /// Rewrite the copy without its free pages (VACUUM). Takes its space twice meanwhile.
  bool compact = false;
  /// Replace a file that is there. One that is in use, or that has a log, is never replaced.
  bool overwrite = false;
  /// How the copy is checked before it gets its name.
  IntegrityCheck check = IntegrityCheck::Full;
  /// Write `DEST.manifest` beside it: size, SHA-256 and the rows of each table as JSON. verify_file
  /// and restore compare the file with it.
  bool manifest = true;
  ProgressSink progress{};
  /// A stop that is requested ends it with Cancelled.
  std::stop_token stop{};
};

/// What a backup holds. Threads: immutable.
struct BackupReport {
  std::string path;  ///< Absolute.
  std::int64_t bytes = 0;
  std::int64_t pages = 0;
  std::chrono::milliseconds duration{0};
  std::vector<TableRows> tables;  ///< By name; those behind virtual tables too.
  std::string sha256;             ///< Of the file, in hexadecimal digits; empty without a manifest.
  /// What is wrong with the content, of the original as of the copy: foreign keys that lead
  /// nowhere.
  std::vector<std::string> warnings;
};

/// Settings of verify_file.
///
/// Threads: immutable.
struct VerifyOptions {
  IntegrityCheck check = IntegrityCheck::Full;
  SqlDefinitions definitions{};  ///< What the file's schema needs, as Options have it.
  ProgressSink progress{};
  std::stop_token stop{};
};

/// What verify_file found. Threads: immutable.
struct VerifyReport {
  std::vector<std::string> problems;  ///< Why it is not to be used, a clause each.
  std::vector<std::string> warnings;  ///< What is wrong with a whole file, a clause each.
  std::string path;                   ///< Absolute.
  std::int64_t bytes = 0;
  std::int64_t page_size_bytes = 0;
  std::int64_t schema_version = 0;
  std::vector<TableRows> tables;  ///< By name.
  bool has_manifest = false;
  std::string sha256;  ///< Of the file; empty without a manifest, or when it is in use.

  /// True when it can be used.
  [[nodiscard]] bool ok() const noexcept { return problems.empty(); }
};

/// Looks whether the file at `path` is a whole database: header, integrity, foreign keys, that no
/// log lies beside it which does not belong to it, and its manifest when there is one. Never
/// writes and leaves nothing beside the file. Throws StorageError when the file cannot be read at
/// all, Cancelled. Threads: shared.
[[nodiscard]] VerifyReport verify_file(
    std::string_view path, const VerifyOptions& options = {},
    std::source_location where = std::source_location::current());

/// Settings of restore().
///
/// Threads: immutable.
struct RestoreOptions {
  /// Keep the database that was there as `TARGET.before-restore-TIME`; nobody deletes that but the
  /// caller. Otherwise it goes once the new one was opened and looked through.
  bool keep_old = true;
  IntegrityCheck check = IntegrityCheck::Full;
  SqlDefinitions definitions{};  ///< What the backup's schema needs, as Options have it.
  /// Longest wait until nobody else uses the target.
  std::chrono::milliseconds timeout{5000};
  ProgressSink progress{};
  std::stop_token stop{};
};

/// What restore() did. Threads: immutable.
struct RestoreReport {
  std::string path;      ///< Of the target, absolute.
  std::string old_path;  ///< Where the former database is; empty when none was there or is kept.
  std::int64_t bytes = 0;
  std::chrono::milliseconds duration{0};
  std::vector<TableRows> tables;  ///< By name.
};

/// Puts a copy of `backup`, a database file that nobody writes to, in the place of `target`.
///
/// The copy is made beside the target and checked before anything else happens; the target is
/// exchanged in one step, with no log of the former database beside it. Whatever interrupts it, the
/// target is the former database or the new one, and a later call cleans up. Refused with
/// MisuseError (DB_IN_USE) when the target is open in this process; throws Timeout (DB_IN_USE,
/// naming it) when another program keeps it open, StorageError (BACKUP_INVALID) for a backup that
/// is not whole, StorageError, Cancelled. Threads: shared.
RestoreReport restore(std::string_view backup, std::string_view target,
                      const RestoreOptions& options = {},
                      std::source_location where = std::source_location::current());

}  // namespace turnstile
