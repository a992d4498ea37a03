// The owner of one SQLite database in this process.
#pragma once

#include <chrono>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/backup.h"
#include "turnstile/error.h"
#include "turnstile/info.h"
#include "turnstile/lane.h"
#include "turnstile/maintenance.h"
#include "turnstile/metrics.h"
#include "turnstile/migration.h"
#include "turnstile/observation.h"
#include "turnstile/options.h"
#include "turnstile/schema.h"

namespace turnstile {

namespace detail {
class ProtectedOpen;
}

/// A handle on an open database. The first open of a file in the process runs the bootstrap and
/// makes the pool; a further open of the same file, under whatever name, gives another handle on
/// the same database. Using a handle that was moved from or closed throws MisuseError (DB_CLOSED).
///
/// After a fork() the database is the parent's. The child's copies of its handles and lanes throw
/// MisuseError (USED_AFTER_FORK) when used and do nothing when closed or destroyed, and the child
/// cannot open the same file. It can when the parent opens that only after the fork, or when it
/// calls exec. Whether it can open another file depends, as with all libraries that have locks, on
/// what other threads of the parent were doing at the moment of the fork.
///
/// Threads: shared, but for moving, closing and destroying a handle, which are confined.
class Database {
 public:
  /// Opens `path`, a path, `:memory:` or a `file:` URI (see Options::from_uri).
  ///
  /// Waits at most `options.busy_timeout` for others, and before that `options.migration_timeout`
  /// for one that runs schema steps. Throws StorageError, MigrationError, Timeout,
  /// and MisuseError: OPTION_INVALID, URI_INVALID, DB_OPTIONS_DIFFER when the file is open in this
  /// process with other settings, DB_HARD_LINK when it is open under another hard link,
  /// ENGINE_CONFLICT when a second SQLite is loaded, USED_AFTER_FORK when the parent of this
  /// process had the file open. A failed open leaves nothing behind but, perhaps, an empty file.
  [[nodiscard]] static Database open(std::string_view path, Options options = {},
                                     std::source_location where = std::source_location::current());

  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  /// As close(), but tells its failures to the log sink; inside a closure of this database it does
  /// not wait, and the database closes when that closure has ended.
  ~Database();

  /// The lane of that name, made at the first call; later calls ignore `options`.
  [[nodiscard]] Lane lane(std::string_view name, LaneOptions options = {}) const;

  /// A picture of the moment; takes no lock that anyone waits for.
  [[nodiscard]] DatabaseInfo info() const;
  /// What was measured since the database was opened; takes no lock that anyone waits for.
  [[nodiscard]] Metrics metrics() const;

  /// Whether a write that called WriteTx::once() with `key` was committed: what to ask after an
  /// error whose commit_state() is Unknown. Throws what Lane::read() does.
  [[nodiscard]] CommitState outcome_of(
      std::string_view key, std::source_location where = std::source_location::current()) const;

  /// Runs those of a component's schema steps that the file lacks: all in one transaction, in the
  /// writer's turn, and recorded under the component's name. A component is a subsystem with tables
  /// of its own in this file; its name is 1 to 64 of a-z, 0-9, `_`, `-` and `.`, or empty for the
  /// application's own steps, which Database::open runs by itself. While they run, foreign keys are
  /// not enforced; they are checked before the commit. Does not write when there is nothing to do.
  /// Throws MigrationError: MIGRATION_FAILED, MIGRATION_EDITED, MIGRATION_GAP, DB_SCHEMA_TOO_NEW,
  /// DB_SCHEMA_UNKNOWN, and the file is as it was then; MisuseError (MIGRATION_INVALID); and what
  /// Lane::write() does.
  MigrationReport migrate(std::string_view component, const Migrations& migrations,
                          const MigrateOptions& options = {},
                          std::source_location where = std::source_location::current()) const;

  /// A component's steps as the program and the file have them, in the order of their versions.
  /// Throws what Lane::read() does.
  [[nodiscard]] std::vector<MigrationStatus> migration_status(
      std::string_view component, const Migrations& migrations,
      std::source_location where = std::source_location::current()) const;

  /// Compares the file with what `sql`, a script of CREATE statements, would make of an empty one:
  /// tables with their columns and constraints, indexes, views, triggers; not the order of columns.
  /// Empty when there is no difference. Throws what Lane::read() does, and Error (SQL_ERROR) for a
  /// mistake in the script.
  [[nodiscard]] std::vector<SchemaDifference> compare_schema(
      std::string_view sql, ExtraObjects extra = ExtraObjects::Ignore,
      std::source_location where = std::source_location::current()) const;

  /// Lane::observe() for those who have the database; the callback sees an in-memory database's own
  /// commits only, and with OpenMode::ReadOnly those of others.
  [[nodiscard]] Observation observe(
      std::vector<std::string> tables, OnChange callback,
      std::source_location where = std::source_location::current()) const;

  /// Copies the database, as it is at this moment, into a file of its own, while others go on. The
  /// copy is checked before it gets its name; whatever interrupts it, there is never half a file
  /// of that name. Where there is a write-ahead log nobody waits for it, but the log cannot be
  /// copied back meanwhile; without one, writers wait. Throws StorageError (BACKUP_EXISTS,
  /// BACKUP_INVALID, and what reading and writing files does), Cancelled, Timeout, MisuseError.
  BackupReport backup(std::string_view destination, const BackupOptions& options = {},
                      std::source_location where = std::source_location::current()) const;

  /// Work on the file as a whole: statistics, vacuum, checkpoints, checks.
  [[nodiscard]] Maintenance maintenance() const;

  /// What this database can do, as it was opened.
  [[nodiscard]] Capabilities capabilities() const;

  /// Gives this handle up. With the last handle the database closes: new calls are refused,
  /// submitted closures run until `drain` has passed and are cancelled then, running ones are
  /// waited for and interrupted then, the write-ahead log is copied into the file. Throws
  /// MisuseError inside a closure of this database, Timeout (naming it) when a closure does not end
  /// even when interrupted; the database then closes by itself when that closure ends.
  CloseReport close(std::chrono::milliseconds drain = std::chrono::seconds(5),
                    std::source_location where = std::source_location::current());

 private:
  friend class detail::ProtectedOpen;
  explicit Database(std::shared_ptr<detail::Core> core) noexcept;

  std::shared_ptr<detail::Core> core_;
};

}  // namespace turnstile
